"""Twin of core/schema.py: the call for each step, and its columns of the one query."""

from typing import assert_never

import asyncpg

from tenant_manager.core.schema import MakeSchema, ObservedSchema, SchemaStep, SetGrants
from tenant_manager.postgres.call import Call

COLUMNS = """
       n.oid IS NOT NULL AS has_schema,
       coalesce(n.nspowner = (SELECT oid FROM known WHERE rolname = 'tenancy_definer')
                AND left(schema_comment.description, 51) = 'tenant-manager ' || t.claim, false) AS schema_ours,
       (SELECT bool_and(a.grantor = n.nspowner AND NOT a.is_grantable AND a.grantee IN (n.nspowner, r.oid))
               AND count(*) FILTER (WHERE a.grantee = r.oid) = 2 FROM aclexplode(n.nspacl) a) AS granted,
       (SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
         WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
           AND d.classid = 'pg_class'::regclass)::int AS relations"""

JOINS = """
  LEFT JOIN pg_namespace n ON n.nspname = t.identifier
  LEFT JOIN pg_description schema_comment ON schema_comment.objoid = n.oid
        AND schema_comment.classoid = 'pg_namespace'::regclass AND schema_comment.objsubid = 0"""


def call(step: SchemaStep) -> Call:
    """The one kernel call that carries out `step`. The tenant may CREATE in its schema."""
    match step:
        case MakeSchema(identifier):
            return Call("SELECT tenancy.make_schema($1, $2, true) AS statements", (identifier,))
        case SetGrants(identifier):
            return Call("SELECT tenancy.set_grants($1, $2, true) AS statements", (identifier,))
        case _:
            assert_never(step)


def observed(row: asyncpg.Record) -> ObservedSchema | None:
    """A row of the one query as the state of its schema; `None`: there is none of that name."""
    if not row["has_schema"]:
        return None
    return ObservedSchema(ours=row["schema_ours"], granted=bool(row["granted"]))
