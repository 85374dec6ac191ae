"""`tenant-manager` as people and scripts run it: a process of its own, with an exit code."""

import os
import pty
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.postgres.installation import Installation, Kernel, Tenant, arguments, connected, fresh, name


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


def run(
    url: str | None,
    *arguments: str,
    stdin: str = "",
    typed: str | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Run:
    """No output ever holds the URL's password.

    Args:
        typed: then stdin is a terminal, at which somebody types this
        meanwhile: done before somebody types
    """
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1"}
    if url is not None:
        environment["DATABASE_URL"] = url
    command = [sys.executable, "-m", "tenant_manager", *arguments]
    if typed is None:
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)
        found = Run(done.returncode, done.stdout, done.stderr)
    else:
        found = _at_a_terminal(command, environment, typed, meanwhile)
    password = urlsplit(url).password if url else None
    if password:
        assert password not in found.out + found.err
    assert "Traceback" not in found.err
    return found


def _at_a_terminal(command: list[str], environment: dict[str, str], typed: str, meanwhile: Callable[[], None]) -> Run:
    here, there = pty.openpty()
    try:
        with subprocess.Popen(
            command, env=environment, stdin=there, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            meanwhile()
            os.write(here, typed.encode())
            out, err = process.communicate(timeout=60)
    finally:
        os.close(here)
        os.close(there)
    return Run(process.returncode, out, err)


async def a_person(installation: Installation, *, administers: bool = True) -> str:
    """The URL of a plain login: no superuser, no CREATEROLE; a member of tenancy_admin, and of nothing else."""
    user, password = f"dba_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    async with connected(installation.url) as administrator:
        await administrator.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        if administers:
            await administrator.execute(f"GRANT tenancy_admin TO {user}")
    return installation.login(user, password)


def as_operator(installation: Installation) -> str:
    return installation.login("tenancy_operator", installation.operator.password)


async def with_a_note(tenant: Tenant) -> Tenant:
    async with tenant.connect() as connection:
        await connection.execute("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('kept')")
    return tenant


async def owned_by(kernel: Kernel, *owner: str) -> Tenant:
    """A tenant of this cluster, namespace, namespace UID and name."""
    identifier, credentials = name(), fresh()
    cluster, namespace, uid, object_name = owner
    whose = (cluster, namespace, uid, object_name)
    await kernel.call("create_tenant", *arguments(identifier, whose, credentials))
    url = kernel.installation.login(identifier, credentials.password)
    return Tenant(identifier, credentials.password, whose, url)


async def set_aside(kernel: Kernel, *owner: str) -> Tenant:
    """A tenant with data, deleted with Retain."""
    tenant = await with_a_note(await (owned_by(kernel, *owner) if owner else kernel.create()))
    await kernel.call("close_login", tenant.identifier)
    await kernel.call("retain", tenant.identifier)
    return tenant


async def is_there(installation: Installation, tenant: Tenant) -> bool:
    """All of it; half of it fails."""
    parts = await installation.value(
        """SELECT ARRAY[EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
                        EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
                        EXISTS (SELECT FROM tenancy.registry WHERE identifier = $1),
                        EXISTS (SELECT FROM tenancy.tenants WHERE id = $1)]""",
        tenant.identifier,
    )
    assert len(set(parts)) == 1, parts
    return bool(parts[0])


def password_in(folder: Path, url: str) -> tuple[str, str]:
    """The URL without its password, and a file that holds it."""
    file = folder / "password"
    password = urlsplit(url).password or ""
    file.write_text(password + "\n")
    return url.replace(f":{password}@", "@"), str(file)
