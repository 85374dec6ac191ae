"""What deletion set aside."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TextIO

import click

from tenant_manager.cli import show
from tenant_manager.cli.connect import EXIT_CODES, database_url, one_line, password_file, refusals
from tenant_manager.postgres.administrator import session
from tenant_manager.postgres.aside import Aside, Leftover, Row, everything

NOTHING: Final = "Nothing is retained, abandoned or left over."
LEFTOVER_HEADS: Final = ("LEFTOVER", "TENANT", "AGE", "TRIES", "REASON")


@click.command(epilog=EXIT_CODES)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@password_file
def retained(output: str, password_file: TextIO | None) -> None:
    """List what deletion set aside in the database in DATABASE_URL. Changes nothing.

    \b
    RETAINED   data of deleted Tenants (deletionPolicy Retain); its login is closed
    ABANDONED  tenants that are still open, but have no Tenant object any more
    REBOUND    tenants that `rebind` gave back and that no Tenant has taken yet
    LEFTOVER   roles that could not be dropped with their tenant; they cannot log in

    The login in DATABASE_URL is tenancy_operator or a member of tenancy_admin.
    """
    with refusals():
        found = asyncio.run(_look(one_line(password_file)))
        print(json.dumps(_json(found), indent=2) if output == "json" else listing(found))


async def _look(given: str | None) -> Aside:
    async with session(database_url(), given, looks_only=True) as connection:
        return await everything(connection)


def listing(found: Aside) -> str:
    """One table for each kind of which there is something."""
    parts = [
        _rows("RETAINED", "FORMER OWNER", found.retained),
        _rows("ABANDONED", "OWNER", found.abandoned),
        _rows("REBOUND", "OWNER", found.rebound),
        _leftovers(found.leftovers),
    ]
    return "\n\n".join(part for part in parts if part) or NOTHING


def _rows(title: str, owner: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    cells = [(row.identifier, row.owner, show.age(row.age), show.size(row.size), row.released_to or "") for row in rows]
    return show.table((title, owner, "AGE", "SIZE", "RELEASED TO"), cells)


def _leftovers(rows: Sequence[Leftover]) -> str:
    if not rows:
        return ""
    cells = [(row.role, row.identifier, show.age(row.age), str(row.tries), row.reason) for row in rows]
    return show.table(LEFTOVER_HEADS, cells)


def _json(found: Aside) -> dict[str, Any]:
    return {
        "retained": [_row(row) for row in found.retained],
        "abandoned": [_row(row) for row in found.abandoned],
        "rebound": [_row(row) for row in found.rebound],
        "leftovers": [
            {"role": row.role, "identifier": row.identifier, **_since(row), "tries": row.tries, "reason": row.reason}
            for row in found.leftovers
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "identifier": row.identifier,
        "cluster": row.cluster,
        "namespace": row.namespace,
        "namespace_uid": row.namespace_uid,
        "name": row.name,
        **_since(row),
        "size_bytes": row.size,
        "released_to": row.released_to,
    }


def _since(row: Row | Leftover) -> dict[str, Any]:
    return {"since": _utc(row.since), "age_seconds": int(row.age)}


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
