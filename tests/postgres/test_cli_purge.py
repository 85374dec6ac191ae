"""`tenant-manager purge`: it asks first, drops for good, and says what is left."""

import re

from tests.postgres.commands import a_person, is_there, run, set_aside
from tests.postgres.installation import Installation, Kernel


async def test_a_script_purges(installation: Installation, kernel: Kernel) -> None:
    tenant, other = await set_aside(kernel), await set_aside(kernel)
    done = run(await a_person(installation), "purge", tenant.identifier, "--yes")
    assert (done.code, done.err) == (0, "")
    name = tenant.owner[3]
    assert (
        re.sub(r"\d+s\n", "0s\n", done.out)
        == f"""\
identifier:    {tenant.identifier}
former owner:  Tenant team-a/{name} of cluster cluster-1
retained for:  0s
size:          16.4 kB
{tenant.identifier} is purged.
A Secret of the former Tenant may be left in cluster cluster-1; it opens nothing any more.
  kubectl delete secret {name}-connection --namespace team-a
If the Tenant gave it another name, it is found by its label:
  kubectl get secrets --namespace team-a --selector tenancy.neostack.io/tenant={tenant.identifier}
"""
    )
    assert not await is_there(installation, tenant)
    assert await is_there(installation, other)
    assert await kernel.create(tenant.identifier)  # the identifier is free
    history = "SELECT outcome FROM tenancy.history WHERE identifier = $1 AND outcome = 'purged'"
    assert await installation.value(history, tenant.identifier) == "purged"


async def test_what_cannot_be_dropped_is_named(installation: Installation, kernel: Kernel) -> None:
    tenant = await set_aside(kernel)
    table = f"held_by_{tenant.identifier}"
    installation.server.sql(f"CREATE TABLE {table} (n int); GRANT SELECT ON {table} TO {tenant.identifier}")
    done = run(await a_person(installation), "purge", tenant.identifier, "--yes")
    assert (done.code, done.err) == (0, "")
    (line,) = [line for line in done.out.splitlines() if line.startswith("Left behind: ")]
    shelf = await installation.value("SELECT role FROM tenancy.leftovers WHERE identifier = $1", tenant.identifier)
    assert f"The role {tenant.identifier} could not be dropped (1 object in database postgres)" in line
    assert f"it is now {shelf}, without login" in line
    assert not await is_there(installation, tenant)
    shown = run(installation.superuser_url, "retained").out
    assert re.search(rf"^{shelf}   .*   1       1 object in database postgres$", shown, re.MULTILINE)
    installation.server.sql(f"DROP TABLE {table}")
    assert await kernel.call("drop_leftover", shelf)
    assert shelf not in run(installation.superuser_url, "retained").out


async def test_many_tables_are_dropped_in_parts(installation: Installation, kernel: Kernel) -> None:
    tenant = await set_aside(kernel)
    await installation.sql(
        f"DO $$ BEGIN FOR i IN 1..1200 LOOP EXECUTE format('CREATE TABLE {tenant.identifier}.t%s (x int)', i); "
        "END LOOP; END $$"
    )
    done = run(await a_person(installation), "purge", tenant.identifier, "--yes")
    assert (done.code, done.err) == (0, "")
    assert not await is_there(installation, tenant)
