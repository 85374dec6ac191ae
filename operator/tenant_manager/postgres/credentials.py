"""Twin of core/credentials.py: the call for its step, and its columns of the one query."""

import asyncpg

from tenant_manager.core.credentials import Credentials, SetVerifier, StoredVerifier
from tenant_manager.postgres.call import Call, meaning
from tenant_manager.postgres.databases import Database

SLOT = "a"  # the first login of a tenant; a second one comes with rotation

COLUMNS = """
       l.iterations, l.salt, l.digest"""

JOINS = f"""
  LEFT JOIN tenancy.logins l ON l.identifier = t.identifier AND l.slot = '{SLOT}'"""


def call(step: SetVerifier, fresh: Credentials) -> Call:
    """The kernel call that gives the login the verifier of `fresh`."""
    args = (step.identifier, SLOT, fresh.verifier(), step.connection_limit)
    return Call("SELECT tenancy.set_verifier($1, $2, $3, $4, $5) AS statements", args)


def observed(row: asyncpg.Record) -> StoredVerifier | None:
    """What the registry knows of the verifier that was set last."""
    if row["digest"] is None:
        return None
    return StoredVerifier(row["iterations"], row["salt"], row["digest"])


async def changed_passwords(database: Database) -> frozenset[str]:
    """Identifiers whose server holds another verifier than the one set last; empty where nobody may look.

    Raises:
        Stopped: the database cannot be used now.
    """
    if not database.audited:
        return frozenset()
    with meaning():
        async with database.connection() as connection:
            return frozenset(row[0] for row in await connection.fetch("SELECT tenancy.changed_passwords()"))
