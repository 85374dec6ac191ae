"""Twin of core/catalog.py: the call for its step, and its columns of the one query."""

from decimal import Decimal
from typing import Any

import asyncpg

from tenant_manager.core.catalog import Catalog, SetCatalog
from tenant_manager.postgres.call import Call, meaning
from tenant_manager.postgres.databases import Database

COLUMNS = """
       c.id IS NOT NULL AS has_catalog, c.name AS display_name, c.plan_id, c.domain, c.status,
       c.settings AS app_settings, c.limits,
       (SELECT jsonb_object_agg(resource_type, limit_value::text) FROM tenancy.tenant_resources
                   WHERE tenant_id = t.identifier AND limit_value IS NOT NULL) AS resources,
       (SELECT id FROM tenancy.tenants WHERE domain = $2) AS domain_holder"""

JOINS = """
  LEFT JOIN tenancy.tenants c ON c.id = t.identifier"""


def call(step: SetCatalog) -> Call:
    """The kernel call that writes the rows."""
    args = (step.identifier, as_json(step.catalog))
    return Call("SELECT tenancy.set_catalog($1, $2, $3) AS statements", args)


def as_json(catalog: Catalog) -> dict[str, Any]:
    """The rows as the kernel takes them."""
    return {
        "name": catalog.name,
        "plan": catalog.plan,
        "domain": catalog.domain,
        "status": catalog.status,
        "settings": dict(catalog.settings),
        "limits": dict(catalog.limits),
        "resources": {name: int(limit) for name, limit in catalog.resources.items()},
    }


def observed(row: asyncpg.Record) -> Catalog | None:
    """A row of the one query as the tenant's rows of the catalog."""
    if not row["has_catalog"]:
        return None
    return Catalog(
        name=row["display_name"],
        plan=row["plan_id"],
        domain=row["domain"],
        status=row["status"],
        settings=row["app_settings"],
        limits=row["limits"],
        resources={name: Decimal(limit) for name, limit in (row["resources"] or {}).items()},
    )


async def used(database: Database) -> dict[str, float]:
    """What all tenants together use, by resource type, as far as applications write it down.

    Raises:
        Stopped: the database cannot be used now.
    """
    query = "SELECT resource_type, sum(used)::float8 FROM tenancy.tenant_resources GROUP BY 1"
    with meaning():
        async with database.connection() as connection:
            return {row[0]: row[1] for row in await connection.fetch(query)}
