"""The command: what it prints, what it asks for, how it fails, and the probe at the tenants' address."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.conftest import BOTH
from tests.postgres.installation import DATABASE, Installation, Kernel, Tenant, fresh, new_database, user_of
from tests.servers.ports import free_ports
from tests.servers.postgres import HBA, PostgresServer

LEFT = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^probe_'"
READY = "A probe tenant logged in at the tenants' address and was dropped. The database is ready.\n"


def bootstrap(
    url: str | None, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would; its output never holds the URL's password."""
    given = {"DATABASE_URL": url} if url is not None else {}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "TENANT_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tenant_manager", "bootstrap", *arguments],
        env={**kept, **given, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if url is not None and "@" in url:
        password = url.rpartition("@")[0].rpartition(":")[2]
        assert password not in done.stdout + done.stderr
    return done


def why(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a refusal."""
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    return done.stderr.strip()


@pytest.fixture(scope="module", params=BOTH)
def server(request: pytest.FixtureRequest, servers_folder: Path) -> Iterator[tuple[PostgresServer, str]]:
    server = PostgresServer.create(17, servers_folder / f"bootstrap-{request.param}", ssl=True)
    yield server, new_database(server, request.param, DATABASE)
    server.stop()


@pytest.fixture
def url(server: tuple[PostgresServer, str]) -> Iterator[str]:
    yield server[1]
    assert server[0].sql(LEFT) == "0"  # however it ended
    server[0].set_hba(HBA)


async def test_from_nothing_to_ready(url: str, server: tuple[PostgresServer, str]) -> None:
    done = bootstrap(url, "--extension", "citext")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(READY)
    lines = done.stdout.splitlines()
    assert "held: Tenants cannot strip the row-security policies of all (tripwire)." in lines
    held = "held: Tenants make no large objects, which no limit would count." in lines
    assert held is ("postgres@" in url or "//postgres:" in url)
    advice = next(line for line in lines if "other databases" in line)
    assert advice.startswith("NOT HELD")
    assert "REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;" in advice
    assert "The password of tenancy_operator was left as it is" in done.stdout
    again = bootstrap(url)
    assert (again.returncode, again.stdout) == (0, done.stdout)


async def test_passwords_come_from_files(url: str, server: tuple[PostgresServer, str], tmp_path: Path) -> None:
    user, _, password = url.removeprefix("postgresql://").rpartition("@")[0].partition(":")
    without = url.replace(f":{password}@", "@")
    mine, operators = tmp_path / "mine", tmp_path / "operators"
    mine.write_text(f"{password}\n")
    new = fresh().password
    operators.write_text(new)
    done = bootstrap(without, "--password-file", str(mine), "--operator-password-file", "-", stdin=f"{new}\n")
    assert done.returncode == 0, done.stderr
    assert "tenancy_operator has a new password." in done.stdout
    assert new not in done.stdout + done.stderr
    login = server[0].url("tenancy_operator", new, DATABASE)
    assert "login of Tenant Manager itself" in why(bootstrap(login))  # so it logs in
    assert bootstrap(without, "--password-file", "-", stdin=password).returncode == 0

    assert "must come from two places" in why(
        bootstrap(url, "--password-file", "-", "--operator-password-file", "-", stdin=new)
    )
    for text, words in (("", "must hold a password"), ("a\nb\n", "nothing else"), ("pässword", "printable ASCII")):
        operators.write_text(text)
        assert words in why(bootstrap(url, "--operator-password-file", str(operators)))
    assert user in url


async def test_a_url_that_leads_nowhere(url: str) -> None:
    assert why(bootstrap(None)).startswith("DATABASE_URL is not set")
    assert "must be a URL such as" in why(bootstrap("postgresql://u:pa/ss@localhost/x"))
    assert "must be a URL such as" in why(bootstrap("mysql://localhost/x"))
    assert "leads to no session" in why(bootstrap(f"postgresql://postgres:x@127.0.0.1:{free_ports(1)[0]}/x"))
    assert "password authentication failed" in why(bootstrap(url.replace("@", "wrong@")))
    assert 'database "nowhere" does not exist' in why(bootstrap(url.removesuffix(DATABASE) + "nowhere"))


async def test_the_tenants_address_is_tried(url: str, server: tuple[PostgresServer, str]) -> None:
    ca_file = str(server[0].ca_file)
    good = {"TENANT_HOST": "localhost", "TENANT_PORT": str(server[0].port), "TENANT_CA_FILE": ca_file}
    assert bootstrap(url, **good).stdout.endswith(READY)
    assert bootstrap(url, TENANT_SSLMODE="require").stdout.endswith(READY)
    assert bootstrap(url, TENANT_HOST="", TENANT_PORT="", TENANT_SSLMODE="", TENANT_CA_FILE="").stdout.endswith(READY)
    nothing = why(bootstrap(url, TENANT_PORT=str(free_ports(1)[0])))
    assert "A tenant cannot log in at 127.0.0.1:" in nothing
    assert "TENANT_HOST and TENANT_PORT must be the address" in nothing
    assert "TENANT_CA_FILE cannot be used" in why(bootstrap(url, TENANT_CA_FILE="/nowhere"))
    assert "TLS fails" in why(bootstrap(url, TENANT_SSLMODE="verify-full"))  # not a public authority's certificate


async def test_another_server_at_the_tenants_address(url: str, server_folder: Path) -> None:
    other = PostgresServer.create(18, server_folder)
    refusal = why(bootstrap(url, TENANT_PORT=str(other.port), TENANT_SSLMODE="disable"))
    assert "its password is refused. Either TENANT_HOST and TENANT_PORT lead to another server" in refusal
    assert "rejected SSL upgrade" in why(bootstrap(url, TENANT_PORT=str(other.port), TENANT_SSLMODE="require"))
    other.stop()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("host all +tenancy_tenant 127.0.0.1/32 trust", "lets a tenant in with a wrong password"),
        ("host all +tenancy_tenant 127.0.0.1/32 reject", "pg_hba.conf needs a line such as"),
        ("host all +tenancy_tenant 127.0.0.1/32 ident", "pg_hba.conf"),
        ("host all +tenancy_tenant 127.0.0.1/32 gss", "pg_hba.conf"),
    ],
)
async def test_a_server_that_asks_tenants_for_something_else(
    url: str, server: tuple[PostgresServer, str], line: str, words: str
) -> None:
    bootstrap(url)  # the group must be there when the file is read
    # a member of the group, for this file, is also who may give it to others: the administrator
    mine = f"host all {user_of(url)} 127.0.0.1/32 scram-sha-256"
    server[0].set_hba(f"{mine}\n{line}\n{HBA}")
    refusal = why(bootstrap(url, TENANT_SSLMODE="disable"))
    assert words in refusal
    assert "host DATABASE +tenancy_tenant ADDRESS scram-sha-256" in refusal


async def test_without_a_connection_it_prints_sql(tmp_path: Path) -> None:
    done = bootstrap(None, "--print-sql", "--moved", "--extension", "citext")
    assert done.returncode == 0
    assert "set_config('tenancy.moved', 'on', true)" in done.stdout
    assert "set_config('tenancy.extensions', '{\"citext\"}', true)" in done.stdout
    assert done.stdout.startswith("-- Tenant Manager, kernel version")


async def test_a_running_operator_goes_on(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    done = bootstrap(installation.url)
    assert done.stdout.endswith(READY)
    await kernel.call("close_login", tenant.identifier)  # the same session, the same epoch
    assert await installation.value(LEFT) == 0


async def test_a_probe_that_was_left_behind_is_dropped(kernel: Kernel, installation: Installation) -> None:
    async with installation.as_superuser() as connection:
        await connection.execute("SET ROLE tenancy_definer")
        await connection.execute("SELECT tenancy.make_probe('probe_left', $1)", fresh().verifier())
        assert (bootstrap(installation.url)).stdout.endswith(READY)
        assert await installation.value(LEFT) == 1  # another bootstrap may be at work with it
        await connection.execute(
            "UPDATE tenancy.registry SET created_at = now() - interval '1 hour' WHERE cluster = '(probe)'"
        )
    assert bootstrap(installation.url).stdout.endswith(READY)
    assert await installation.value(LEFT) == 0
