"""Hand an identifier over."""

import asyncio
from typing import TextIO

import click

from tenant_manager.cli.connect import EXIT_CODES, database_url, one_line, password_file, refusals
from tenant_manager.cli.names import Cluster, Identifier, TenantName
from tenant_manager.postgres import aside
from tenant_manager.postgres.administrator import session
from tenant_manager.postgres.install import Refused


@click.command(epilog=EXIT_CODES)
@click.argument("identifier", type=Identifier(), required=False)
@click.option("--to", type=TenantName(), metavar="NAMESPACE/NAME", help="The Tenant that may take the data.")
@click.option("--all", "everything", is_flag=True, help="All that one cluster left, each to its own Tenant.")
@click.option(
    "--from-cluster", type=Cluster(), metavar="NAME", help="With --all: the CLUSTER_NAME it was retained for."
)
@password_file
def release(
    identifier: str | None,
    to: tuple[str, str] | None,
    everything: bool,
    from_cluster: str | None,
    password_file: TextIO | None,
) -> None:
    """Let a Tenant take the retained data of IDENTIFIER.

    \b
    tenant-manager release tenant_acme --to team-b/acme
    tenant-manager release --all --from-cluster production

    Data returns by itself only to the very Tenant that was deleted. For any other this command is needed: another
    namespace or name, a namespace that was made again, another cluster. The second form is for a cluster that was
    rebuilt. Nothing changes until the Tenant is applied; whoever may create it gets the data.

    The login in DATABASE_URL is a member of tenancy_admin.
    """
    if identifier is not None and to is not None and not everything and from_cluster is None:
        work = _release(identifier, *to, password_file)
    elif identifier is None and to is None and everything and from_cluster is not None:
        work = _release_all(from_cluster, password_file)
    else:
        raise click.UsageError("Give either IDENTIFIER --to NAMESPACE/NAME, or --all --from-cluster NAME.")
    with refusals():
        print(asyncio.run(work))


async def _release(identifier: str, namespace: str, name: str, file: TextIO | None) -> str:
    async with session(database_url(), one_line(file)) as connection:
        await aside.retained(connection, identifier)
        await aside.release(connection, identifier, namespace, name)
    return f"The Tenant {namespace}/{name} may now take {identifier}; it says `identifier: {identifier}` in its spec."


async def _release_all(cluster: str, file: TextIO | None) -> str:
    async with session(database_url(), one_line(file)) as connection:
        if (count := await aside.release_cluster(connection, cluster)) == 0:
            others = ", ".join(await aside.clusters(connection, "retained")) or "none"
            raise Refused(
                f"Nothing is retained for cluster {cluster}. Clusters that something is retained for: {others}."
            )
    what = "1 tenant" if count == 1 else f"{count} tenants"
    return f"{what} of cluster {cluster} may now be taken, each by a Tenant of its own namespace and name."
