"""Drop retained data for good."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from tenant_manager.cli import show
from tenant_manager.cli.connect import EXIT_CODES, database_url, one_line, password_file, refusals
from tenant_manager.cli.names import LONGEST_NAME, Identifier
from tenant_manager.kube.secrets import LABEL, SUFFIX
from tenant_manager.postgres import aside
from tenant_manager.postgres.administrator import session
from tenant_manager.postgres.install import Refused


@click.command(epilog=EXIT_CODES)
@click.argument("identifier", type=Identifier())
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@password_file
def purge(identifier: str, yes: bool, password_file: TextIO | None) -> None:
    """Drop the retained data of IDENTIFIER for good: its schema, its login, and all that the registry knows of it.

    \b
    tenant-manager purge tenant_acme

    Shows whose it was and asks for the identifier to be typed. Only what was retained can be purged. The Secret of the
    former Tenant stays in Kubernetes; the command says how to delete it.

    The login in DATABASE_URL is a member of tenancy_admin.
    """
    with refusals():
        asyncio.run(_purge(identifier, yes, password_file))


async def _purge(identifier: str, yes: bool, file: TextIO | None) -> None:
    async with session(database_url(), one_line(file)) as connection:
        row = await aside.retained(connection, identifier)
        print(_facts(row), flush=True)  # before somebody types
        if not yes:
            _confirm(row)
            if not row.same_as(await aside.find(connection, identifier)):  # typing takes time
                raise Refused(f"Somebody changed {identifier} meanwhile. Nothing was dropped; look at it again.")
        leftovers = await aside.purge(connection, identifier)
    print(_report(row, leftovers))


def _confirm(row: aside.Row) -> None:
    if not sys.stdin.isatty():
        raise Refused("Nobody is here to type the identifier. Nothing was dropped; scripts say --yes.")
    typed = click.prompt("Type the identifier to drop all of it for good", default="", show_default=False)
    if typed.strip() != row.identifier:
        raise Refused("That is not the identifier. Nothing was dropped.")


def _facts(row: aside.Row) -> str:
    facts = [
        ("identifier:", row.identifier),
        ("former owner:", f"Tenant {row.namespace}/{row.name} of cluster {row.cluster}"),
        ("retained for:", show.age(row.age)),
        ("size:", show.size(row.size)),
    ]
    if row.released_to is not None:
        facts.append(("released to:", row.released_to))
    return "\n".join(f"{name:<15}{value}" for name, value in facts)


def _report(row: aside.Row, leftovers: Sequence[str]) -> str:
    lines = [f"{row.identifier} is purged."]
    lines += [f"Left behind: {show.plain(sentence)}" for sentence in leftovers]
    lines.append(f"A Secret of the former Tenant may be left in cluster {row.cluster}; it opens nothing any more.")
    if len(row.name + SUFFIX) <= LONGEST_NAME:
        lines.append(f"  kubectl delete secret {row.name}{SUFFIX} --namespace {row.namespace}")
        lines.append("If the Tenant gave it another name, it is found by its label:")
    lines.append(f"  kubectl get secrets --namespace {row.namespace} --selector {LABEL}={row.identifier}")
    return "\n".join(lines)
