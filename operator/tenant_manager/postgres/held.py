"""Which promises this server holds after a bootstrap. A REVOKE by a non-owner only warns, so the catalog is asked."""

from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, slots=True)
class Promise:
    """Something the documentation promises, whether this server holds it, and what to do where it does not."""

    name: str
    held: bool
    advice: str


@dataclass(frozen=True, slots=True)
class _Question:
    """`breaks` yields what breaks the promise, one text a row; `{what}` in the advice stands for all of it."""

    name: str
    breaks: str
    advice: str


QUESTIONS = (
    _Question(
        "The operator can call its functions and read its tables, nothing else",
        """
        SELECT 'membership of ' || roleid::regrole FROM pg_auth_members WHERE member = 'tenancy_operator'::regrole
           AND roleid <> 'pg_use_reserved_connections'::regrole
         UNION ALL
        SELECT 'EXECUTE on ' || p.oid::regprocedure FROM pg_proc p
         WHERE p.pronamespace = 'tenancy'::regnamespace AND has_function_privilege('tenancy_operator', p.oid, 'EXECUTE')
           AND (NOT p.prosecdef OR proname ~ '^(role_|release|rebind|purge)')
         UNION ALL
        SELECT 'writing ' || c.oid::regclass FROM pg_class c
         WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'r'
           AND has_table_privilege('tenancy_operator', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')
         UNION ALL
        SELECT 'CREATE in schema ' || nspname FROM pg_namespace
         WHERE has_schema_privilege('tenancy_operator', oid, 'CREATE')""",
        "Take it away from tenancy_operator: {what}.",
    ),
    _Question(
        "Nobody but the administrator can act as the kernel",
        """
        SELECT DISTINCT member::regrole || ' is a member of ' || roleid::regrole FROM pg_auth_members
         WHERE (roleid::regrole::text ~ '^tenancy_executor_[0-9]+$'
                OR roleid IN ('tenancy_definer'::regrole, 'tenancy_owner'::regrole, 'tenancy_migrator'::regrole))
           AND (inherit_option OR set_option) AND NOT pg_has_role(member, 'tenancy_definer', 'MEMBER WITH ADMIN OPTION')
           AND member NOT IN ('tenancy_definer'::regrole, 'tenancy_migrator'::regrole)""",
        "Revoke what nobody should have: {what}.",
    ),
    _Question(
        "Tenants cannot strip the row-security policies of all (tripwire)",
        """
        SELECT rolname FROM pg_roles, pg_class c
         WHERE rolname IN ('tenancy_tenant', 'tenancy_app', 'tenancy_migrator', 'tenancy_owner', 'tenancy_operator',
                           'tenancy_admin') AND c.relname = 'tripwire' AND c.relnamespace = 'tenancy'::regnamespace
           AND (NOT has_column_privilege(rolname, c.oid, 'x', 'SELECT')
                OR has_table_privilege(rolname, c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES'))""",
        "Bootstrap again; the tripwire does not stand for {what}.",
    ),
    _Question(
        "Tenants make no temporary tables and no schemas, and find nothing in schema public",
        """
        SELECT privilege || ' on database ' || current_database() FROM unnest('{TEMP,CREATE}'::text[]) AS privilege
         WHERE has_database_privilege('tenancy_tenant', current_database(), privilege)
         UNION ALL
        SELECT privilege || ' on schema public' FROM pg_namespace, unnest('{USAGE,CREATE}'::text[]) AS privilege
         WHERE nspname = 'public' AND has_schema_privilege('tenancy_tenant', oid, privilege)""",
        "The owner or a superuser revokes it from PUBLIC and tenancy_tenant: {what}.",
    ),
    _Question(
        "Tenants create nothing in the schema extensions, which all of them look into",
        "SELECT 'extensions' WHERE has_schema_privilege('tenancy_tenant', 'extensions', 'CREATE')",
        "Its owner runs: REVOKE CREATE ON SCHEMA {what} FROM PUBLIC, tenancy_tenant;",
    ),
    _Question(
        "Tenants make no large objects, which no limit would count",
        """
        SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
           AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_import')
           AND has_function_privilege('tenancy_tenant', p.oid, 'EXECUTE')""",
        "A superuser runs: REVOKE EXECUTE ON FUNCTION {what} FROM PUBLIC;",
    ),
    _Question(
        "Temporary files of a query end somewhere",
        "SELECT quote_ident(current_database()) WHERE current_setting('temp_file_limit') = '-1'",
        "A superuser runs, with a size that fits the disk: ALTER DATABASE {what} SET temp_file_limit = '10GB';",
    ),
    _Question(
        "A password that a tenant changed itself is found for all tenants at once",
        """
        SELECT 'x' WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'changed_passwords'
                                        AND pronamespace = 'tenancy'::regnamespace)""",
        "Needs a bootstrap by a superuser. Without it the operator finds it when it checks that a Secret logs in.",
    ),
    _Question(
        "Tenants cannot enter other databases of this server",
        """
        SELECT quote_ident(datname) FROM pg_database WHERE datallowconn AND datname <> current_database()
           AND has_database_privilege('tenancy_tenant', oid, 'CONNECT')""",
        "Their owners or a superuser run, and grant CONNECT to those who need it: REVOKE CONNECT ON DATABASE {what} "
        "FROM PUBLIC;",
    ),
    _Question(
        "The operator gets in when tenants have used up all connections",
        """
        SELECT 'x' WHERE current_setting('reserved_connections') = '0'
            OR NOT pg_has_role('tenancy_operator', 'pg_use_reserved_connections', 'USAGE')""",
        "It keeps the connections that it has. For new ones: set reserved_connections = 5 in postgresql.conf, and run: "
        "GRANT pg_use_reserved_connections TO tenancy_operator;",
    ),
)


async def promises(connection: asyncpg.Connection) -> tuple[Promise, ...]:
    """All of them, in the order in which a person wants to read them."""
    return tuple([await _answer(connection, question) for question in QUESTIONS])


async def _answer(connection: asyncpg.Connection, question: _Question) -> Promise:
    found = sorted({str(row[0]) for row in await connection.fetch(question.breaks)})
    return Promise(question.name, not found, question.advice.format(what=", ".join(found)) if found else "")
