"""What the whole run must hold, judged at its end: every status, every request of the operator, every log.

Run with the whole folder: alone there is little to judge.
"""

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from tenant_manager.api import reasons
from tests.cluster.api import Api, Json
from tests.cluster.audit import Audit
from tests.cluster.contract import (
    broken_by_plan,
    broken_by_tenant,
    is_told_by_us_alone,
    written_beside_status_and_finalizer,
)
from tests.cluster.database import Database
from tests.cluster.log import lines
from tests.cluster.place import PREFIX
from tests.cluster.recorder import Key, Recorder
from tests.cluster.waiting import until
from tests.servers.operator import OperatorProcess

WORD = re.compile(rb"[A-Za-z0-9+/]{32,}")
EXPECTED_ERRORS = ("another operator has the lead",)


def told_by_us(recorder: Recorder) -> list[tuple[Key, list[Json]]]:
    """All versions of every Tenant whose status nobody but the operator wrote."""
    found = [(key, seen) for key, seen in recorder.of("Tenant") if key.namespace.startswith(PREFIX)]
    return [(key, seen) for key, seen in found if is_told_by_us_alone(seen)]


def test_every_status_keeps_the_contract(recorder: Recorder, operator: OperatorProcess) -> None:
    tenants = told_by_us(recorder)
    assert {str(key): broken for key, seen in tenants if (broken := list(broken_by_tenant(seen)))} == {}


def test_every_status_of_a_plan_keeps_the_contract(recorder: Recorder, operator: OperatorProcess) -> None:
    plans = [(key, seen) for key, seen in recorder.of("Plan") if key.name.startswith(PREFIX)]
    assert {key.name: broken for key, seen in plans if (broken := list(broken_by_plan(seen)))} == {}


async def test_every_write_of_a_status_changed_it(recorder: Recorder, audit: Audit, operator: OperatorProcess) -> None:
    def differ() -> dict[tuple[str, str], tuple[int, int]]:
        changes: Counter[tuple[str, str]] = Counter()
        for key, seen in told_by_us(recorder):
            changes[key.namespace, key.name] += sum(a["status"] != b["status"] for a, b in pairwise(seen))
        writes = Counter((a.namespace, a.name) for a in audit.since() if a.stored and a.resource == "tenants/status")
        return {key: (writes[key], changes[key]) for key in changes if writes[key] != changes[key]}

    await until(lambda: not differ(), told=differ)  # the watch may be a moment behind


def test_of_users_objects_it_wrote_finalizer_and_status_alone(recorder: Recorder, operator: OperatorProcess) -> None:
    objects = [*recorder.of("Tenant"), *recorder.of("Plan")]
    wrote = {str(key): fields for key, seen in objects if (fields := written_beside_status_and_finalizer(seen[-1]))}
    assert wrote == {}


def test_no_request_was_refused_by_rbac(audit: Audit, operator: OperatorProcess) -> None:
    assert audit.since(0, lambda asked: asked.refused_by_rbac) == []


def test_every_verb_of_its_role_was_used(api: Api, audit: Audit, operator: OperatorProcess) -> None:
    role = api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/tenant-manager")
    may = {(verb, resource) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert may - {(asked.verb, asked.resource) for asked in audit.since()} == set()


def test_events_have_known_reasons(recorder: Recorder, operator: OperatorProcess) -> None:
    known = {reason.name for reason in reasons.ALL} | {reason.name for reason in reasons.EVENTS}
    assert {event["reason"] for event in events(recorder)} <= known


def test_warnings_do_not_repeat(recorder: Recorder, operator: OperatorProcess) -> None:
    warnings = [event for event in events(recorder) if event["type"] == "Warning"]
    told = sorted((event["involvedObject"]["uid"], event["reason"], event["message"]) for event in warnings)
    assert [said for said, times in Counter(told).items() if times > 3] == []


def events(recorder: Recorder) -> list[Json]:
    """The operator's."""
    found = [seen[-1] for _, seen in recorder.of("Event")]
    return [event for event in found if event["source"].get("component") == "tenant-manager"]


def test_its_log_has_no_error_that_was_not_meant(operator: OperatorProcess) -> None:
    errors = [line for line in lines(operator.log) if line["level"] in {"error", "critical"}]
    assert [line for line in errors if not line["msg"].startswith(EXPECTED_ERRORS)] == []


def test_no_password_is_anywhere(
    recorder: Recorder, database: Database, operator: OperatorProcess, servers_folder: Path, audit: Audit
) -> None:
    passwords = {*recorder.passwords(), database.operator.password}
    assert len(passwords) > 10, "run it with the whole folder"
    encoded = {base64.b64encode(password.encode()).rstrip(b"=") for password in passwords}
    secrets = {*(password.encode() for password in passwords), *encoded}
    logs = [database.server.log, *servers_folder.glob("*/operator.log"), servers_folder / "controlplane" / "audit.log"]
    found = {log.name for log in logs if secrets & set(_words(log))}
    said = repr([seen for kind in ("Event", "Tenant", "Plan") for _, seen in recorder.of(kind)])
    said += operator.get("/metrics")[1]
    assert found == set()
    assert not secrets & set(_windows(WORD.findall(said.encode())))


def _words(log: Path) -> Iterator[bytes]:
    with log.open("rb") as file:
        for line in file:
            yield from _windows(WORD.findall(line))


def _windows(words: Iterable[bytes]) -> Iterator[bytes]:
    """What of the words is as long as a password, or as one in base64."""
    for word in words:
        for length in (32, 43):
            yield from (word[start : start + length] for start in range(len(word) - length + 1))
