"""The last step of a bootstrap: a probe tenant is made, logs in at the address that Secrets will carry, is dropped."""

import os
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from tenant_manager.core.credentials import draw

from .install import Refused

TIMEOUT = 10  # seconds, for a login at the tenants' address
LOGINS = (
    "Extensions that check passwords (credcheck, for example) and providers that restrict them must accept ready "
    "SCRAM-SHA-256 verifiers; on RDS with rds.restrict_password_commands, the 64 executors need rds_password."
)
ADDRESS = "TENANT_HOST and TENANT_PORT must be the address at which applications reach this server."
HBA = "host DATABASE +tenancy_tenant ADDRESS scram-sha-256"
EXPLANATIONS: dict[type[Exception], str] = {  # the first that fits
    asyncpg.InvalidPasswordError: "its password is refused. Either TENANT_HOST and TENANT_PORT lead to another "
    f"server, or pg_hba.conf asks tenants for something else; it needs a line such as: {HBA}",
    asyncpg.InvalidAuthorizationSpecificationError: f"{{error}}. pg_hba.conf needs a line such as: {HBA}",
    asyncpg.PostgresError: "{error}.",
    asyncpg.InterfaceError: f"{{error}}. pg_hba.conf must ask tenants for scram-sha-256, as in: {HBA}",
    asyncpg.InternalClientError: f"{{error}}. pg_hba.conf must ask tenants for scram-sha-256, as in: {HBA}",
    ssl.SSLError: "TLS fails: {error}. TENANT_SSLMODE and TENANT_CA_FILE must fit the server's certificate.",
    TimeoutError: f"nothing answers within {TIMEOUT} seconds. {ADDRESS}",
    OSError: f"{{error}}. {ADDRESS} TENANT_SSLMODE must be something that the server offers.",
}

# Everything that the driver raises when a login or a session fails.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

Tls = ssl.SSLContext | str | bool


async def probe(connection: asyncpg.Connection, host: str, port: int, tls: Tls = "prefer") -> None:
    """Prove that a tenant can be made, logs in with its password alone, cannot strip policies, and can be dropped.

    The lead is not taken: an operator that runs goes on. The probe is dropped also when a proof fails.

    Args:
        connection: the administrator's, after `install`
        host: where tenants will reach the server, as their Secrets say
        port: the same
        tls: what asyncpg takes as `ssl`; see `tls`

    Raises:
        Refused: which proof failed, and what to do.
    """
    name = f"probe_{secrets.token_hex(6)}"
    credentials = draw(os.urandom)
    database = await connection.fetchval("SELECT current_database()")
    place = {"host": host, "port": port, "user": name, "database": database, "ssl": tls, "timeout": TIMEOUT}
    await _make(connection, name, credentials.verifier())
    try:
        async with _login(place, credentials.password) as tenant:
            await _prove(tenant, name)
        await _prove_that_passwords_count(place)
    finally:
        await _drop(connection, name)


def tls(mode: str, ca_file: Path | None) -> Tls:
    """What asyncpg needs to log in as a libpq client would with this sslmode."""
    if mode in {"disable", "allow", "prefer"}:
        return mode
    context = ssl.create_default_context(cafile=ca_file)
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


async def _make(connection: asyncpg.Connection, name: str, verifier: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE tenancy_definer")
            await connection.execute("SELECT tenancy.make_probe($1, $2)", name, verifier)
    except asyncpg.PostgresError as error:
        raise Refused(f"The server does not let a tenant be made: {error}. {LOGINS}") from error


async def _drop(connection: asyncpg.Connection, name: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE tenancy_definer")
            left = await connection.fetchval("SELECT tenancy.drop_probes($1)", name)
    except FAILURES as error:
        raise Refused(f"The probe tenant {name} could not be dropped: {error}. The next bootstrap does it.") from error
    if left:
        raise Refused(f"The probe tenant could not be dropped whole: {' '.join(left)}")


@asynccontextmanager
async def _login(place: dict[str, Any], password: str) -> AsyncIterator[asyncpg.Connection]:
    where = f"{place['host']}:{place['port']}"
    try:
        tenant = await asyncpg.connect(**place, password=password)
    except FAILURES as error:
        raise Refused(f"A tenant cannot log in at {where}: {_why(error)}") from error
    try:
        yield tenant
    except asyncpg.PostgresError as error:
        raise Refused(f"A tenant can log in at {where}, but not work there: {error}") from error
    finally:
        await tenant.close(timeout=TIMEOUT)


def _why(error: Exception) -> str:
    for kind, why in EXPLANATIONS.items():
        if isinstance(error, kind):
            return why.format(error=error)
    return str(error)


async def _prove(tenant: asyncpg.Connection, name: str) -> None:
    if await tenant.fetchval("SELECT pg_is_in_recovery()"):
        raise Refused("TENANT_HOST leads to a read-only standby: tenants need the address of the primary.")
    path = await tenant.fetchval("SELECT current_setting('search_path')")
    if path != f"{name}, extensions":
        raise Refused(f"A tenant's search_path is {path!r} at the tenants' address: something between resets it.")
    attempt = tenant.transaction()
    await attempt.start()
    try:
        await tenant.execute("DROP OWNED BY tenancy_tenant")
    except asyncpg.InsufficientPrivilegeError:
        return
    finally:
        await attempt.rollback()
    raise Refused("A tenant can remove the row-security policies of all (DROP OWNED BY tenancy_tenant): no tripwire.")


async def _prove_that_passwords_count(place: dict[str, Any]) -> None:
    try:
        async with _login(place, secrets.token_urlsafe(16)):
            pass
    except Refused:
        return
    raise Refused(
        "The server lets a tenant in with a wrong password: a line of pg_hba.conf says trust (or peer, cert) where it "
        f"must say scram-sha-256. Needed is: {HBA}"
    )
