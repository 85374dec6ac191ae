"""Twin of core/retention.py: the call for each step, and what deletion set aside."""

from typing import assert_never

from tenant_manager.core.retention import (
    DropLeftover,
    DropTables,
    DropTenant,
    MarkAbandoned,
    Restore,
    Retain,
    RetentionStep,
)
from tenant_manager.postgres.call import Call, meaning
from tenant_manager.postgres.databases import Database


def call(step: RetentionStep) -> Call:
    """The one kernel call that carries out `step`."""
    match step:
        case Restore(identifier, owner):
            args = (identifier, owner.cluster, owner.namespace, owner.namespace_uid, owner.name)
            return Call("SELECT tenancy.restore($1, $2, $3, $4, $5, $6) AS statements", args)
        case Retain(identifier):
            return Call("SELECT tenancy.retain($1, $2) AS statements", (identifier,))
        case DropTables(identifier, at_most):
            return Call("SELECT tenancy.drop_tables($1, $2, $3) AS relations", (identifier, at_most))
        case DropTenant(identifier):
            return Call("SELECT statements, leftovers FROM tenancy.drop_tenant($1, $2)", (identifier,))
        case DropLeftover(role):
            return Call("SELECT tenancy.drop_leftover($1, $2) AS statements", (role,))
        case MarkAbandoned(identifier, abandoned):
            return Call("SELECT tenancy.mark_abandoned($1, $2, $3) AS statements", (identifier, abandoned))
        case _:
            assert_never(step)


async def leftovers(database: Database) -> list[str]:
    """Roles that could not be dropped with their tenant, those first that were tried least.

    Raises:
        Stopped: the database cannot be used now.
    """
    with meaning():
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT role FROM tenancy.leftovers ORDER BY tries, since")
            return [row["role"] for row in rows]
