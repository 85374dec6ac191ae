"""A PostgreSQL server of our own, from the programs of a wheel: passwords by SCRAM for everybody, TCP on 127.0.0.1.

The folder holds all of it (`data`, `postgres.log`, the superuser's password); a second `create` in the same folder
starts the same server again, data and passwords kept, on the same port if that is still free.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from .account import no_root
from .binaries import postgres_bin
from .certificates import write_server_certificate
from .errors import CannotStart
from .ports import free_ports, is_free
from .process import Process

HBA = "host all all 127.0.0.1/32 scram-sha-256\n"
# A crash of the server loses nothing without fsync, only one of the machine does.
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
TLS = {"ssl": "on", "ssl_cert_file": "../tls/server.crt", "ssl_key_file": "../tls/server.key"}
WITH_TLS = (17,)
TIME_TO_START = 60.0  # seconds; usually 0.1, recovery after a crash on a loaded machine takes longer


class PostgresServer:
    """One server. `ca_file` is set with `ssl=True`: clients verify localhost and 127.0.0.1 by it."""

    host = "127.0.0.1"

    def __init__(self, version: int, folder: Path, settings: Mapping[str, str], *, ssl: bool) -> None:
        self.version = version
        self.folder = folder
        self.port = 0
        self.ca_file = folder / "tls" / "ca.crt" if ssl else None
        self._settings = {**SETTINGS, **(TLS if ssl else {}), **settings}
        self._programs = postgres_bin(version)
        self._account = no_root(self._programs, folder)
        self._process = Process(folder, "postgres")
        self.log = self._process.log

    @classmethod
    def create(
        cls, version: int, folder: Path, *, settings: Mapping[str, str] | None = None, hba: str = HBA, ssl: bool = False
    ) -> "PostgresServer":
        """A running server in `folder`, which is made if needed. What already runs there is ended first.

        Args:
            version: 16, 17 or 18
            settings: lines of postgresql.conf, e.g. {"log_statement": "all"}
            hba: the whole pg_hba.conf
            ssl: with a certificate; version 17 only
        """
        folder.mkdir(parents=True, exist_ok=True)
        if ssl and version not in WITH_TLS:
            raise CannotStart(f"The wheel of PostgreSQL {version} is built without TLS; {WITH_TLS} have it.")
        server = cls(version, folder.resolve(), settings or {}, ssl=ssl)
        server._account.give(server.folder)
        server.stop()
        if not (server.folder / "complete").exists():
            server._initialise()
        server._hba.write_text(hba)
        server.start()
        return server

    @property
    def superuser_url(self) -> str:
        return self.url("postgres", self._password_file.read_text())

    def url(self, user: str, password: str, dbname: str = "postgres") -> str:
        user, password, dbname = (quote(part, safe="") for part in (user, password, dbname))
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{dbname}"

    def start(self) -> None:
        """No error if it runs already."""
        if self._process.pid is not None:
            self.port = int(self._port_file.read_text())
            return
        for _ in range(10):  # another program may take the port between our look and the server's
            self._start_once(self._choose_port())
            if self._is_ready():
                return
            self._process.stop(signal.SIGQUIT)
            if not any(reason in self._process.tail() for reason in ("in use", "could not bind")):
                break
        raise CannotStart(f"PostgreSQL {self.version} did not start. The end of {self.log}:\n{self._process.tail()}")

    def stop(self) -> None:
        """Sessions are ended, data is written. No error if it does not run."""
        self._process.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def crash(self) -> None:
        """Ends at once, without writing anything, as in a power cut: the next start recovers."""
        self._process.stop(signal.SIGQUIT)

    def set_hba(self, text: str) -> None:
        """Replace pg_hba.conf; new logins are judged by it from the return on, sessions stay."""
        self._hba.write_text(text)
        self.reload()

    def reload(self) -> None:
        """Have the server read its files again."""
        if (pid := self._process.pid) is None:
            return
        told = self.log.stat().st_size
        os.kill(pid, signal.SIGHUP)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and b"received SIGHUP" not in self.log.read_bytes()[told:]:
            time.sleep(0.01)

    def sql(self, script: str, dbname: str = "postgres") -> str:
        """What psql prints for the statements, as superuser: a line a row, columns separated by |."""
        command = [str(self._programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        where = {"PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": "postgres", "PGDATABASE": dbname}
        environment = {**os.environ, **where, "PGPASSWORD": self._password_file.read_text()}
        done = subprocess.run(command, input=script, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.rstrip("\n")

    def create_role_admin(self, dbname: str) -> str:
        """A new database and a new login that owns it, with CREATEROLE and nothing else; the login's URL.

        This is the administrator that managed services give: no superuser, no member of anything, who may make roles
        and do what an owner may in this database.
        """
        user, password = f"{dbname}_admin", secrets.token_urlsafe(16)
        self.sql(f"""CREATE ROLE "{user}" LOGIN CREATEROLE PASSWORD '{password}'""")
        self.sql(f"""CREATE DATABASE "{dbname}" OWNER "{user}" """)
        return self.url(user, password, dbname)

    @property
    def _hba(self) -> Path:
        return self.folder / "data" / "pg_hba.conf"

    @property
    def _password_file(self) -> Path:
        return self.folder / "superuser-password"

    @property
    def _port_file(self) -> Path:
        return self.folder / "port"

    def _initialise(self) -> None:
        for left in ("data", "tls"):  # by a start that was interrupted
            shutil.rmtree(self.folder / left, ignore_errors=True)
        password = self._password_file
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(16))
        self._account.give(password)
        command = [
            *(str(self._programs / "initdb"), "-D", str(self.folder / "data"), "-U", "postgres", "-N"),
            *("--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8"),
        ]
        done = subprocess.run(
            [*self._account.prefix, *command], capture_output=True, text=True, check=False, **self._account.switch()
        )
        if done.returncode != 0:
            raise CannotStart(f"initdb of PostgreSQL {self.version} failed:\n{done.stderr.strip()}")
        with (self.folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write("include '../settings.conf'\n")
        if self.ca_file is not None:
            self._make_certificate(self.ca_file.parent)
        (self.folder / "complete").touch()

    def _make_certificate(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        write_server_certificate(folder)
        self._account.give(folder / "server.key")

    def _choose_port(self) -> int:
        if self._port_file.exists() and is_free(port := int(self._port_file.read_text())):
            return port
        return free_ports(1)[0]

    def _start_once(self, port: int) -> None:
        self.port = port
        self._port_file.write_text(str(port))
        settings = self.folder / "settings.conf"
        values = {**self._settings, "port": str(port)}
        settings.write_text("".join(f"{name} = {_quoted(value)}\n" for name, value in values.items()))
        settings.chmod(0o644)
        # Its own check compares numbers only: after a reboot a foreign process of that number would keep it down.
        self._lock_file.unlink(missing_ok=True)
        self._process.start(
            [str(self._programs / "postgres"), "-D", str(self.folder / "data")], self._account, gently=signal.SIGINT
        )

    @property
    def _lock_file(self) -> Path:
        return self.folder / "data" / "postmaster.pid"

    def _is_ready(self) -> bool:
        deadline = time.monotonic() + TIME_TO_START
        while (pid := self._process.pid) is not None and time.monotonic() < deadline:
            lines = self._lock_file.read_text().split("\n") if self._lock_file.exists() else []
            if len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        return False


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
