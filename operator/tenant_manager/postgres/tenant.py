"""Twin of core/tenant.py: the one query for all facets, and the call for each step."""

from collections.abc import Sequence
from typing import assert_never

import asyncpg

from tenant_manager.core import report
from tenant_manager.core.catalog import SetCatalog
from tenant_manager.core.credentials import Credentials, SetVerifier
from tenant_manager.core.identity import Owner, Registration
from tenant_manager.core.login import LoginStep
from tenant_manager.core.plan import PlanStep
from tenant_manager.core.retention import RetentionStep
from tenant_manager.core.schema import SchemaStep
from tenant_manager.core.tenant import CreateTenant, Observed, Step
from tenant_manager.postgres import catalog, credentials, login, plan, retention, schema
from tenant_manager.postgres.call import Call, Done, meaning, run
from tenant_manager.postgres.databases import Database

COLUMNS = ",".join(twin.COLUMNS for twin in (login, schema, credentials, catalog))
JOINS = "".join(twin.JOINS for twin in (login, schema, credentials, catalog))
EVERYTHING = f"""
WITH sessions AS MATERIALIZED (SELECT usesysid, count(*) AS number FROM pg_stat_activity GROUP BY usesysid),
     known AS MATERIALIZED (SELECT oid, rolname FROM pg_roles WHERE rolname IN ('tenancy_definer', 'tenancy_tenant'))
SELECT t.identifier, t.cluster, t.namespace, t.namespace_uid, t.name, t.state, t.released_to,
       t.abandoned_since IS NOT NULL AS abandoned,
{COLUMNS}
  FROM tenancy.registry t{JOINS}
"""  # noqa: S608  # put together from constants
# Two texts: one for both would have a generic plan that reads the whole registry for a single tenant.
OBSERVE = f"{EVERYTHING} WHERE t.identifier = ANY($1)"
OBSERVE_ALL = f"{EVERYTHING} WHERE $1::text[] IS NULL"

RECORD = "SELECT tenancy.record($1, $2, $3, $4, $5, $6) AS recorded"


async def observe(
    database: Database, identifiers: Sequence[str] | None = None, domain: str | None = None
) -> dict[str, Observed]:
    """What the database holds, by identifier: of these, or of all. One query, which takes no transaction id.

    `domain` asks which tenant has it.

    Raises:
        Stopped: the database cannot be used now.
    """
    with meaning():
        async with database.connection() as connection:
            query = OBSERVE_ALL if identifiers is None else OBSERVE
            rows = await connection.fetch(query, identifiers, domain)
    return {row["identifier"]: _observed(row) for row in rows}


async def apply(
    database: Database, identifier: str, generation: int, steps: Sequence[Step], fresh: Credentials
) -> Done:
    """Carry the steps out in one transaction, with one row of history.

    Raises:
        Stopped: the kernel refused, or the connection broke.
    """
    calls = [call(step, generation, fresh) for step in steps]
    if any(isinstance(step, CreateTenant) for step in steps):  # which writes its own, to be one call
        return await run(database, calls)
    names = report.names(steps)
    return await run(
        database, calls, lambda done: Call(RECORD, (identifier, generation, "applied", names, list(done.statements)))
    )


def call(step: Step, generation: int, fresh: Credentials) -> Call:
    """The one kernel call that carries out `step`."""
    if isinstance(step, CreateTenant):
        made = _create(step, generation, fresh)
    elif isinstance(step, SetVerifier):
        made = credentials.call(step, fresh)
    elif isinstance(step, SetCatalog):
        made = catalog.call(step)
    elif isinstance(step, LoginStep):
        made = login.call(step, fresh)
    elif isinstance(step, SchemaStep):
        made = schema.call(step)
    elif isinstance(step, PlanStep):
        made = plan.call(step)
    elif isinstance(step, RetentionStep):
        made = retention.call(step)
    else:
        assert_never(step)
    return made


def _create(step: CreateTenant, generation: int, fresh: Credentials) -> Call:
    owner = step.owner
    args = (
        step.identifier,
        owner.cluster,
        owner.namespace,
        owner.namespace_uid,
        owner.name,
        fresh.verifier(),
        step.login.connection_limit,
        dict(step.login.settings),
        True,
        catalog.as_json(step.catalog),
        generation,
    )
    numbers = ", ".join(f"${number}" for number in range(1, len(args) + 2))
    return Call(f"SELECT tenancy.create_tenant({numbers}) AS statements", args)


def _observed(row: asyncpg.Record) -> Observed:
    return Observed(
        registration=Registration(
            Owner(row["cluster"], row["namespace"], row["namespace_uid"], row["name"]),
            row["state"],
            row["released_to"],
            row["abandoned"],
        ),
        login=login.observed(row),
        schema=schema.observed(row),
        catalog=catalog.observed(row),
        verifier=credentials.observed(row),
        relations=row["relations"] or 0,
        domain_holder=row["domain_holder"],
    )
