"""Ways into a demo that runs: what to try, a shell, a session as a tenant."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from tests.servers.binaries import kubectl, postgres_bin
from tests.servers.kubeconfig import write_private

from . import database
from .cluster import Cluster
from .place import DBNAME, Place, Trouble
from .screen import Line

HOST = "127.0.0.1"
PROMPT = r"(demo) \w $ "
PSQL = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "username",
    "PGPASSWORD": "password",
    "PGSSLMODE": "sslmode",
}


def next_steps(place: Place) -> list[Line]:
    """Commands for somebody who sees this for the first time."""
    suspend = """kubectl patch tenant acme -n customers --type=merge -p '{"spec":{"access":"Suspended"}}'"""
    steps = (
        ("make psql TENANT=acme", "a session as this tenant"),
        ("make shell", "kubectl, tenant-manager and a superuser's psql:"),
        (f"  {suspend}", ""),
        ("  kubectl events -n customers", "what the operator did"),
        ("  psql -c 'ALTER ROLE acme CONNECTION LIMIT 1'", "break something yourself"),
        ("  kubectl explain tenant.spec", "every field"),
        (f"tail -f {_shown(place.operator / 'operator.log')}", "a line a pass"),
        (f"curl -s {place.operator_url}/metrics", ""),
        ("make demo-stop", "end it; the next start has the same data"),
    )
    return [f"{command:<48} {comment}".rstrip() for command, comment in steps]


def shell(place: Place) -> None:
    """An interactive shell for the demo, until the person leaves it.

    Raises:
        Trouble: the demo does not run.
    """
    _demand(place)
    program = os.environ.get("SHELL") or "/bin/sh"
    own = _environment(place)
    arguments = [program]
    if Path(program).name == "bash":
        arguments += ["--rcfile", str(_bash_file(place, own))]
    print("kubectl, psql and tenant-manager lead to the demo here; `exit` leaves this shell.")
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the shell's; a handler, unlike SIG_IGN, is not inherited
    subprocess.call(arguments, env={**os.environ, **own})


def psql(place: Place, tenant: str) -> None:
    """Become psql, logged in with what the Tenant's Secret says.

    Raises:
        Trouble: there is no such Tenant, or nobody can log in as it.
    """
    _demand(place)
    cluster = Cluster(place.kubeconfig)
    found = cluster.tenant(tenant)
    connection = cluster.connection(found)
    if found.suspended:
        raise Trouble(f"The login of the Tenant {found.name} is closed: its `spec.access` is Suspended.")
    own = {variable: connection.values[key] for variable, key in PSQL.items()}
    program = postgres_bin(database.VERSION) / "psql"
    os.execve(program, [str(program)], {**os.environ, **own})  # noqa: S606  # its arguments hold no secret


def _environment(place: Place) -> dict[str, str]:
    """No secret among it: the superuser's password is in a file."""
    folders = (Path(sys.executable).parent, kubectl().parent, postgres_bin(database.VERSION))
    port = str(place.postgres_port)
    return {
        "KUBECONFIG": str(place.kubeconfig),
        "PATH": ":".join([*dict.fromkeys(map(str, folders)), os.environ.get("PATH", "")]),
        "PS1": PROMPT,
        "PGHOST": HOST,
        "PGPORT": port,
        "PGUSER": "postgres",
        "PGDATABASE": DBNAME,
        "PGPASSFILE": str(place.pgpass),
        "DATABASE_URL": f"postgresql://postgres@{HOST}:{port}/{DBNAME}",
    }


def _bash_file(place: Place, own: dict[str, str]) -> Path:
    """What bash reads at its start: the person's own file, which may set the same variables, then ours."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in own.items() if name != "PS1"]
    text = "\n".join(["[ -f ~/.bashrc ] && . ~/.bashrc", *lines, f'PS1="{PROMPT}"', ""])
    write_private(path := place.folder / "bashrc", text)
    return path


def _demand(place: Place) -> None:
    if missing := place.missing():
        ended = f" ({', '.join(missing)} ended)" if place.running() else ""
        raise Trouble(f"The demo does not run{ended}; start it with `make demo`.")


def _shown(path: Path) -> str:
    """Relative where that is shorter."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
