"""Twin of core/login.py: the call for each step, and its columns of the one query."""

from typing import assert_never

import asyncpg

from tenant_manager.core.credentials import Credentials
from tenant_manager.core.login import (
    CloseLogin,
    EndSessions,
    Join,
    LoginStep,
    MakeLogin,
    ObservedLogin,
    OpenLogin,
    SetSettings,
)
from tenant_manager.postgres.call import Call

MANAGED = (
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "work_mem",
)
ATTRIBUTES = {
    "rolsuper": "SUPERUSER",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolbypassrls": "BYPASSRLS",
    "rolreplication": "REPLICATION",
}

_NAMES = ", ".join(f"'{name}'" for name in MANAGED)
LONGEST_ENTRY = 100  # characters of a setting; a tenant may give its own role texts of hundreds of megabytes

COLUMNS = f"""
       r.oid IS NOT NULL AS has_login, r.rolconnlimit,
       r.rolcanlogin AS is_open, coalesce(r.rolvaliduntil, 'infinity') <> 'infinity' AS is_expired,
       r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolbypassrls, r.rolreplication,
       coalesce(left(role_comment.description, 51) = 'tenant-manager ' || t.claim, false) AS login_ours,
       ARRAY(SELECT left(entry, {LONGEST_ENTRY}) FROM unnest(setting.setconfig) AS entry
              WHERE split_part(left(entry, {LONGEST_ENTRY}), '=', 1) IN ({_NAMES})) AS settings,
       coalesce('search_path=' || quote_ident(t.identifier) || ', extensions' = ANY (setting.setconfig), false)
           AS search_path,
       EXISTS (SELECT FROM unnest(here.setconfig) AS entry
                WHERE split_part(left(entry, {LONGEST_ENTRY}), '=', 1) IN ('search_path', {_NAMES})) AS elsewhere,
       (SELECT bool_or(m.inherit_option) AND NOT bool_or(m.set_option OR m.admin_option) FROM pg_auth_members m
         WHERE m.roleid = (SELECT oid FROM known WHERE rolname = 'tenancy_tenant') AND m.member = r.oid) AS member,
       coalesce(session.number, 0)::int AS sessions"""  # noqa: S608  # put together from constants

JOINS = """
  LEFT JOIN pg_roles r ON r.rolname = t.identifier
  LEFT JOIN pg_shdescription role_comment ON role_comment.objoid = r.oid
        AND role_comment.classoid = 'pg_authid'::regclass
  LEFT JOIN pg_db_role_setting setting ON setting.setrole = r.oid AND setting.setdatabase = 0
  LEFT JOIN pg_db_role_setting here ON here.setrole = r.oid
        AND here.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  LEFT JOIN sessions session ON session.usesysid = r.oid"""


def call(step: LoginStep, fresh: Credentials) -> Call:
    """The one kernel call that carries out `step`; the verifier joins it here and nowhere earlier."""
    match step:
        case MakeLogin(identifier, login):
            args = (identifier, fresh.verifier(), login.connection_limit, dict(login.settings))
            return Call("SELECT tenancy.make_login($1, $2, $3, $4, $5) AS statements", args)
        case SetSettings(identifier, login):
            settings = (identifier, dict(login.settings), login.connection_limit)
            return Call("SELECT tenancy.set_settings($1, $2, $3, $4) AS statements", settings)
        case Join(identifier):
            return Call("SELECT tenancy.join($1, $2) AS statements", (identifier,))
        case OpenLogin(identifier):
            return Call("SELECT tenancy.open_login($1, $2) AS statements", (identifier,))
        case CloseLogin(identifier):
            return Call("SELECT tenancy.close_login($1, $2) AS statements", (identifier,))
        case EndSessions(identifier):
            return Call("SELECT tenancy.terminate($1, $2) AS sessions", (identifier,))
        case _:
            assert_never(step)


def observed(row: asyncpg.Record) -> ObservedLogin | None:
    """A row of the one query as the state of its role; `None`: there is none of that name."""
    if not row["has_login"]:
        return None
    settings = dict(entry.split("=", 1) for entry in row["settings"])
    return ObservedLogin(
        connection_limit=row["rolconnlimit"],
        settings=settings,
        open=row["is_open"],
        expired=row["is_expired"],
        search_path=row["search_path"],
        elsewhere=row["elsewhere"],
        member=bool(row["member"]),
        ours=row["login_ours"],
        attributes=tuple(word for column, word in ATTRIBUTES.items() if row[column]),
        sessions=row["sessions"],
    )
