"""The operator as a process: probes, metrics, settings, its end."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster import health
from tests.cluster.conftest import OPERATOR
from tests.cluster.database import Database
from tests.cluster.log import lines
from tests.cluster.place import Place
from tests.cluster.waiting import until
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE, OperatorProcess

SHUTDOWN = 10.0


def metrics(operator: OperatorProcess) -> dict[str, float]:
    """Values by name and labels."""
    found = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", operator.get("/metrics")[1], re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_the_probes(operator: OperatorProcess, place: Place) -> None:
    assert operator.get("/healthz") == (200, "ok\n")
    assert operator.get("/readyz") == (200, "ok\n")
    assert operator.get("/elsewhere")[0] == 404
    place.plan()
    place.tenant()
    await place.ready()
    status, text = operator.get("/health")
    told = json.loads(text)
    assert status == 200
    assert told.keys() == {"status", "database", "tenants_count", "version"}
    assert (told["status"], told["database"]) == ("healthy", "connected")
    assert told["tenants_count"] == len([key for key in place.recorder.now if key.kind == "Tenant"])
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", told["version"])


async def test_the_metrics_count(operator: OperatorProcess, place: Place) -> None:
    before = metrics(operator)
    place.plan()
    for name in ("one", "two", "closed"):
        place.tenant(name, access="Suspended" if name == "closed" else "Full")
    place.tenant("waits", plan="missing")
    await asyncio.gather(*(place.ready(name) for name in ("one", "two", "closed")))
    await place.not_ready("PlanNotFound", "waits")
    names = {"plan": place.plan_name(), "missing": place.plan_name("missing")}
    update = "UPDATE tenancy.tenant_resources SET used = 7 WHERE tenant_id = '{}'"
    await place.database.run(update.format(place.identifier("one")))

    def grown(name: str) -> float:
        return metrics(operator)[name] - before.get(name, 0.0)

    await until(lambda: metrics(operator).get(f'tenancy_tenants{{plan="{names["plan"]}",state="ready"}}') == 3)
    assert metrics(operator)[f'tenancy_tenants{{plan="{names["missing"]}",state="reconciling"}}'] == 1
    assert grown("tenants_created_total") == 3
    assert grown('tenancy_steps_total{step="CreateTenant"}') == 3
    assert grown('tenancy_steps_total{step="CloseLogin"}') >= 1  # other tests' namespaces may still be going
    assert grown('tenancy_reconcile_total{kind="Tenant",result="changed"}') >= 3
    assert grown('tenancy_reconcile_total{kind="Tenant",result="waiting"}') >= 1
    assert grown("tenancy_tenant_ready_seconds_count") == 3
    await until(lambda: grown("tenants_active") >= 2)


async def test_the_metrics_are_all_there(operator: OperatorProcess, place: Place) -> None:
    place.plan(limits={"users": 3})
    place.tenant()
    await place.ready()
    await until(lambda: 'tenant_resource_usage{resource="users"}' in metrics(operator))
    there = {name.partition("{")[0] for name in metrics(operator)}
    assert {
        "tenants_created_total",
        "tenants_active",
        "tenant_resource_usage",
        "tenant_query_duration_seconds_count",
        "tenancy_reconcile_total",
        "tenancy_reconcile_duration_seconds_count",
        "tenancy_steps_total",
        "tenancy_queue_depth",
        "tenancy_queue_oldest_seconds",
        "tenancy_database_up",
        "tenancy_fenced",
        "tenancy_tenants",
        "tenancy_tenant_ready_seconds_count",
        "tenancy_retained_tenants",
        "tenancy_abandoned_tenants",
        "tenancy_leftover_roles",
        "tenancy_admission_policy_in_force",
        "tenancy_build_info",
    } <= there
    assert metrics(operator)['tenancy_database_up{database="default"}'] == 1
    assert metrics(operator)["tenancy_admission_policy_in_force"] == 1
    assert place.identifier() not in operator.get("/metrics")[1]  # no label for each tenant


async def test_its_log_is_one_line_a_pass(operator: OperatorProcess, place: Place) -> None:
    place.plan()
    said = operator.log.stat().st_size
    place.tenant()
    await place.ready()
    mine = [line for line in lines(operator.log, said) if line.get("namespace") == place.namespace]
    changed = [line for line in mine if line.get("result") == "changed"]
    assert [(line["msg"], line["steps"], line["level"]) for line in changed] == [
        ("reconciled", ["CreateTenant"], "info")
    ]
    assert {line["level"] for line in mine if line not in changed} <= {"debug"}


def run(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE_", "CLUSTER_"))}
    command = [sys.executable, "-m", "tenant_manager", "run"]
    return subprocess.run(command, env=known | settings, capture_output=True, text=True, check=False, timeout=30)


def test_wrong_settings_are_all_told_at_once_without_their_values() -> None:
    done = run(
        {
            "DATABASE_URL": "mysql://somebody:hidden-secret@host/db",
            "CLUSTER_NAME": "Not A Name",
            "WORKERS": "many",
            "HTTP_PORT": "70000",
            "LOG_FORMAT": "xml",
            "SCAN_SECONDS": "0",
            "TENANT_SSLMODE": "perhaps",
        }
    )
    assert done.returncode == 2
    for name in (
        "DATABASE_URL",
        "CLUSTER_NAME",
        "WORKERS",
        "HTTP_PORT",
        "LOG_FORMAT",
        "SCAN_SECONDS",
        "TENANT_SSLMODE",
    ):
        assert len(re.findall(f"^{name}: ", done.stderr, re.MULTILINE)) == 1
    assert "hidden-secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_settings_are_named() -> None:
    done = run({})
    assert done.returncode == 2
    assert "DATABASE_URL: is not set" in done.stderr
    assert "CLUSTER_NAME: is not set" in done.stderr


def test_a_url_without_a_password_says_where_one_may_be() -> None:
    done = run({"DATABASE_URL": "postgresql://tenancy_operator@127.0.0.1/app", "CLUSTER_NAME": "c", "HOME": "/nowhere"})
    assert done.returncode == 2
    assert "DATABASE_URL: has no password; put it into the URL, or set PGPASSWORD or PGPASSFILE" in done.stderr


async def test_it_ends_within_ten_seconds_with_work_at_hand(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    names = [f"many-{number}" for number in range(30)]
    for name in names:
        place.tenant(name)
    started, said = time.monotonic(), operator.log.stat().st_size
    operator.stop()
    assert time.monotonic() - started < SHUTDOWN
    assert not [line for line in lines(operator.log, said) if line["level"] in {"error", "critical"}]
    half_made = "SELECT count(*) FROM pg_roles WHERE rolname LIKE $1 AND NOT rolcanlogin"
    assert await place.database.value(half_made, place.identifier("many") + "%") == 0
    operator.start()
    await asyncio.gather(*(place.ready(name) for name in names[::5]))
    await until(lambda: all(health.is_true(place.seen(name) or {}, "Ready") for name in names))


async def test_it_ends_within_ten_seconds_while_a_lock_holds_it(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    async with place.database.superuser() as superuser, superuser.transaction():
        await superuser.execute("LOCK TABLE tenancy.registry IN ACCESS EXCLUSIVE MODE")
        place.tenant("new")
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tenancy.registry'::regclass"
        await until(lambda: superuser.fetchval(waits))
        started = time.monotonic()
        operator.stop()
        assert time.monotonic() - started < SHUTDOWN
    assert await place.database.exists(place.identifier("new")) == (False, False)
    operator.start()
    await place.ready("new")


async def test_with_more_rights_it_bootstraps_and_works_as_tenancy_operator(
    place: Place, operator: OperatorProcess, installed: ControlPlane, servers_folder: Path
) -> None:
    operator.stop()
    database, kubeconfig = place.database, installed.kubeconfig_for(NAMESPACE, ACCOUNT)
    strong = OperatorProcess(servers_folder / "strong", kubeconfig, database.superuser_url, **OPERATOR)
    try:
        strong.start()
        place.plan()
        place.tenant()
        await place.ready()
        who = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
        await until(lambda: _is(database, who, ["tenancy_operator"]))
        password = database.superuser_url.split(":")[2].split("@")[0]
        assert password not in strong.log.read_text()
    finally:
        strong.stop()
        await database.give_the_operator_its_password()
    operator.start()
    await place.ready()


async def _is(database: Database, sql: str, expected: list[str]) -> bool:
    return await database.column(sql, database.name) == expected
