"""`tenant-manager retained`: what deletion set aside, for whom it shows it, and what it refuses."""

import json
from typing import Any

from tests.postgres.commands import Run, a_person, as_operator, owned_by, run, set_aside
from tests.postgres.installation import Installation, Kernel, Tenant


def listed(found: Run) -> dict[str, Any]:
    assert (found.code, found.err) == (0, "")
    lists = json.loads(found.out)
    assert list(lists) == ["retained", "abandoned", "rebound", "leftovers"]
    return {name: {row.get("identifier"): row for row in rows} for name, rows in lists.items()}


async def test_what_is_retained_as_json(installation: Installation, kernel: Kernel) -> None:
    tenant = await set_aside(kernel)
    row = listed(run(await a_person(installation), "retained", "-o", "json"))["retained"][tenant.identifier]
    since = "SELECT to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM tenancy.registry"
    cluster, namespace, uid, name = tenant.owner
    assert row == {
        "identifier": tenant.identifier,
        "cluster": cluster,
        "namespace": namespace,
        "namespace_uid": uid,
        "name": name,
        "since": await installation.value(f"{since} WHERE identifier = $1", tenant.identifier),
        "age_seconds": row["age_seconds"],
        "size_bytes": 16384,  # one page of rows, one of the TOAST table's index
        "released_to": None,
    }
    assert 0 <= row["age_seconds"] < 60


async def test_what_is_retained_as_a_table(installation: Installation, kernel: Kernel) -> None:
    tenant = await set_aside(kernel)
    await installation.sql(
        f"UPDATE tenancy.registry SET since = now() - interval '76 hours' WHERE identifier = '{tenant.identifier}'"
    )
    shown = run(as_operator(installation), "retained")
    assert (shown.code, shown.err) == (0, "")
    first, *lines = shown.out.splitlines()
    assert first.split("   ")[0] == "RETAINED"
    cluster, namespace, _, name = tenant.owner
    (line,) = [line for line in lines if line.startswith(f"{tenant.identifier} ")]
    assert line.split() == [tenant.identifier, f"{cluster}/{namespace}/{name}", "3d4h", "16.4", "kB", "-"]


async def test_what_is_in_use_is_not_listed(installation: Installation, tenant: Tenant) -> None:
    lists = listed(run(installation.superuser_url, "retained", "-o", "json"))
    assert not [name for name, rows in lists.items() if tenant.identifier in rows]


async def test_what_was_abandoned_or_rebound(installation: Installation, kernel: Kernel) -> None:
    cluster = "cluster-abandoned"
    gone, waiting = [await owned_by(kernel, cluster, "team-a", "uid-1", name) for name in ("gone", "waiting")]
    await kernel.call("mark_abandoned", gone.identifier, True)
    async with installation.as_superuser() as connection:
        await connection.execute("SELECT tenancy.rebind($1)", cluster)
    lists = listed(run(as_operator(installation), "retained", "-o", "json"))
    assert lists["abandoned"][gone.identifier]["released_to"] == "team-a/gone"
    assert lists["rebound"][waiting.identifier]["released_to"] == "team-a/waiting"
    shown = run(as_operator(installation), "retained").out
    assert "\n\nABANDONED   " in shown
    assert "\n\nREBOUND   " in shown


async def test_a_tenant_that_locks_its_tables_hides_only_its_own_size(
    installation: Installation, kernel: Kernel
) -> None:
    retained, hostile = await set_aside(kernel), await kernel.create()
    await kernel.call("mark_abandoned", hostile.identifier, True)
    async with hostile.connect() as session:
        await session.execute("CREATE TABLE locked (n int)")
        async with session.transaction():
            await session.execute("LOCK TABLE locked")
            lists = listed(run(as_operator(installation), "retained", "-o", "json"))
    assert lists["abandoned"][hostile.identifier]["size_bytes"] is None
    assert lists["retained"][retained.identifier]["size_bytes"] == 16384


async def test_a_leftover_shows_its_reason_and_does_not_steer_the_terminal(
    installation: Installation, kernel: Kernel, tenant: Tenant
) -> None:
    table = f'"\x1b[2J{tenant.identifier}"'
    await installation.sql(f"CREATE TABLE {table} (n int)", f"GRANT SELECT ON {table} TO {tenant.identifier}")
    await kernel.call("close_login", tenant.identifier)
    _, sentences = await kernel.call("drop_tenant", tenant.identifier)
    assert len(sentences) == 1
    leftover = listed(run(as_operator(installation), "retained", "-o", "json"))["leftovers"][tenant.identifier]
    assert list(leftover) == ["role", "identifier", "since", "age_seconds", "tries", "reason"]
    assert leftover["role"].startswith(f"{tenant.identifier}__x")
    assert leftover["tries"] == 1
    shown = run(as_operator(installation), "retained").out
    assert "\x1b" not in shown
    assert f'privileges for table public."?[2J{tenant.identifier}"' in shown
