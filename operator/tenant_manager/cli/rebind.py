"""After a cluster was rebuilt: its active rows may be claimed again."""

import asyncio
from typing import TextIO

import click

from tenant_manager.cli.connect import EXIT_CODES, database_url, one_line, password_file, refusals
from tenant_manager.cli.names import Cluster
from tenant_manager.postgres import aside
from tenant_manager.postgres.administrator import session
from tenant_manager.postgres.install import Refused


@click.command(epilog=EXIT_CODES)
@click.option("--from-cluster", type=Cluster(), metavar="NAME", required=True, help="Its CLUSTER_NAME before.")
@password_file
def rebind(from_cluster: str, password_file: TextIO | None) -> None:
    """Let the Tenants of a rebuilt cluster take their data again.

    \b
    tenant-manager rebind --from-cluster production

    For a cluster that was lost while its Tenants were active: its namespaces, made again, have other UIDs, so their
    Tenants count as strangers. Afterwards each tenant may be taken by a Tenant of its own namespace and name; logins
    stay open and data stays as it is. Only for a cluster that is gone: whoever may create these namespaces and
    Tenants gets the data.

    The login in DATABASE_URL is a member of tenancy_admin.
    """
    with refusals():
        print(asyncio.run(_rebind(from_cluster, password_file)))


async def _rebind(cluster: str, file: TextIO | None) -> str:
    async with session(database_url(), one_line(file)) as connection:
        if (count := await aside.rebind(connection, cluster)) == 0:
            others = ", ".join(await aside.clusters(connection, "active")) or "none"
            raise Refused(f"Cluster {cluster} has no active tenants. Clusters that have some: {others}.")
    what = "1 active tenant" if count == 1 else f"{count} active tenants"
    return f"{what} of cluster {cluster} may now be taken, each by a Tenant of its own namespace and name."
