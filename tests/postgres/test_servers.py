"""The servers that all other tests trust."""

import asyncio
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import asyncpg
import pytest

from tests.servers.build import ROOT
from tests.servers.certificates import write_server_certificate
from tests.servers.errors import CannotStart
from tests.servers.leftovers import end_all
from tests.servers.postgres import PostgresServer


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    assert await value(postgres_server.superuser_url, "SELECT current_user") == "postgres"
    for user, password in (("postgres", "wrong"), ("postgres", ""), ("nobody_here", "wrong")):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await value(postgres_server.url(user, password), "SELECT 1")


async def test_it_is_the_version_that_was_asked_for(postgres_server: PostgresServer) -> None:
    version = await value(postgres_server.superuser_url, "SHOW server_version_num")
    assert str(version).startswith(str(postgres_server.version))
    assert await value(postgres_server.superuser_url, "SHOW fsync") == "off"


async def test_the_role_admin_is_no_superuser(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_role_admin("managed")
    attributes = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin"
    rights = await value(url, f"SELECT ARRAY[{attributes}] FROM pg_roles WHERE rolname = current_user")
    assert rights == [False, True, False, False, False, True]
    owner = "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = current_database()"
    assert await value(url, owner) is True
    assert await value(url, "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole") == 0


@pytest.mark.parametrize("version", [16, 17, 18])
async def test_what_was_written_survives(version: int, server_folder: Path) -> None:
    server = PostgresServer.create(version, server_folder)
    url = server.superuser_url
    server.sql("CREATE TABLE kept AS SELECT 1 AS n")
    server.restart()
    server.crash()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await value(url, "SELECT 1")
    server.start()
    assert await value(url, "SELECT n FROM kept") == 1  # same port, same password
    server.stop()
    server.stop()
    again = PostgresServer.create(version, server_folder, settings={"work_mem": "77kB"})
    assert again.superuser_url == url
    assert again.sql("SELECT n, current_setting('work_mem') FROM kept") == "1|77kB"
    again.stop()


async def test_a_server_without_scram(server_folder: Path) -> None:
    server = PostgresServer.create(18, server_folder, hba="host all postgres 127.0.0.1/32 scram-sha-256\n")
    server.sql("CREATE ROLE someone LOGIN PASSWORD 'x'")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match=r"no pg_hba\.conf entry"):
        await value(server.url("someone", "x"), "SELECT 1")
    server.set_hba("host all postgres 127.0.0.1/32 scram-sha-256\nhost all someone 127.0.0.1/32 trust\n")
    assert await value(server.url("someone", "wrong"), "SELECT 1") == 1
    server.stop()


async def test_certificates_are_verified(server_folder: Path) -> None:
    server = PostgresServer.create(17, server_folder, ssl=True)
    url = server.superuser_url.replace("127.0.0.1", "localhost")
    verify = f"{url}?sslmode=verify-full&sslrootcert="
    query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert await value(f"{verify}{server.ca_file}", query) is True
    another = server_folder / "another"
    another.mkdir()
    write_server_certificate(another)
    with pytest.raises(OSError, match="certificate"):
        await value(f"{verify}{another / 'ca.crt'}", query)
    server.stop()


def test_a_wheel_without_tls_says_so(server_folder: Path) -> None:
    with pytest.raises(CannotStart, match="PostgreSQL 16 is built without TLS"):
        PostgresServer.create(16, server_folder, ssl=True)


def test_a_setting_that_does_not_exist_is_shown(server_folder: Path) -> None:
    with pytest.raises(CannotStart, match='unrecognized configuration parameter "wrong"'):
        PostgresServer.create(18, server_folder, settings={"wrong": "1"})


def test_many_start_at_once(servers_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when all want the same ports."""
    draws = iter([21900] * 4 + list(range(21900, 22000)))
    monkeypatch.setattr("tests.servers.postgres.free_ports", lambda count: [next(draws)])
    started: list[PostgresServer] = []
    folders = [servers_folder / f"at-once-{number}" for number in range(4)]

    def start(folder: Path) -> None:
        started.append(PostgresServer.create(18, folder))

    threads = [threading.Thread(target=start, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({server.port for server in started}) == 4
    assert all(server.sql("SELECT 1") == "1" for server in started)
    for server in started:
        server.stop()


async def test_what_a_killed_run_left_is_ended(server_folder: Path) -> None:
    script = (
        "import sys, os, signal; from pathlib import Path; from tests.servers.postgres import PostgresServer\n"
        "print(PostgresServer.create(16, Path(sys.argv[1])).superuser_url, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(server_folder)]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True)
    url = done.stdout.strip()
    assert await value(url, "SELECT 1") == 1
    end_all(server_folder)
    with pytest.raises(OSError, match=r"refused|Connect"):
        await value(url, "SELECT 1")


def test_an_interrupted_initdb_is_done_again(server_folder: Path) -> None:
    server = PostgresServer.create(18, server_folder)
    server.stop()
    (server_folder / "complete").unlink()
    shutil.rmtree(server_folder / "data" / "global")
    again = PostgresServer.create(18, server_folder)
    assert again.sql("SELECT 1") == "1"
    again.stop()
