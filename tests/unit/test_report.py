"""What a pass says of itself: the contract that kubectl wait, Flux and Argo CD read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_manager.api import conditions, reasons
from tenant_manager.api.conditions import Condition, merge
from tenant_manager.api.tenant import AppliedPlan
from tenant_manager.core import report
from tenant_manager.core.credentials import SetVerifier
from tenant_manager.core.login import CloseLogin, Login, MakeLogin, OpenLogin, SetSettings
from tenant_manager.core.outcome import Outcome
from tenant_manager.core.retention import Restore
from tenant_manager.core.stopped import Stopped
from tests.unit.test_laws import OWNER

stops = st.none() | st.sampled_from(reasons.TROUBLE).map(lambda reason: Stopped(reason, "why"))
outcomes = st.builds(
    Outcome,
    generation=st.integers(1, 9),
    identifier=st.just("acme"),
    steps=st.just(()),
    again=st.none() | st.floats(0, 9),
    stopped=stops,
    plan=st.none() | st.just(AppliedPlan(name="gold", generation=2)),
    plan_found=st.sampled_from([None, True, False]),
    limits=st.none(),
    suspended=st.booleans(),
    secret=st.none() | st.just("acme-connection"),
)


def flags(said: tuple[Condition, ...]) -> dict[str, str]:
    return {item.type: item.status for item in said}


@given(outcomes)
def test_exactly_one_of_ready_reconciling_and_stalled_is_true(outcome: Outcome) -> None:
    said = flags(report.ready_conditions(outcome))
    main = [said[kind] for kind in (conditions.READY, conditions.RECONCILING, conditions.STALLED)]
    assert sorted(main) == ["False", "False", "True"]


@given(outcomes)
def test_every_condition_carries_the_generation_a_reason_and_a_message(outcome: Outcome) -> None:
    for item in report.ready_conditions(outcome):
        assert item.observed_generation == outcome.generation
        assert item.reason
        assert item.message


@given(outcomes)
def test_stalled_means_that_waiting_does_not_help(outcome: Outcome) -> None:
    said = flags(report.ready_conditions(outcome))
    if said[conditions.STALLED] == "True":
        assert outcome.stopped is not None
        assert not outcome.stopped.reason.waits


@given(outcomes)
def test_the_same_outcome_says_nothing_new_the_second_time(outcome: Outcome) -> None:
    first = merge((), report.ready_conditions(outcome), "2026-01-01T00:00:00Z")
    assert merge(first, report.ready_conditions(outcome), "2026-02-02T00:00:00Z") == first
    assert report.notices(outcome, first) == ()


def test_a_suspended_tenant_is_ready_so_that_nobody_who_waits_hangs() -> None:
    ready = report.ready_conditions(Outcome(1, "acme", suspended=True))[0]
    assert (ready.type, ready.status, ready.reason) == (conditions.READY, "True", "Suspended")


@pytest.mark.parametrize(("before", "after"), [("True", "True"), ("False", "False")])
def test_a_paused_tenant_stays_as_ready_as_it_was(before: Any, after: str) -> None:
    known = merge((), report.ready_conditions(Outcome(1, "acme", plan_found=True)), "2026-01-01T00:00:00Z")
    known = tuple(item.model_copy(update={"status": before}) if item.type == "Ready" else item for item in known)
    said = report.paused_conditions(known, 2)
    assert flags(said) | {"PlanFound": "True"} == {
        "Ready": after,
        "Reconciling": "False",
        "Stalled": "False",
        "Paused": "True",
        "PlanFound": "True",
    }
    assert {item.observed_generation for item in said} == {2}


DONE = Outcome(1, "acme", plan=AppliedPlan(name="gold", generation=1), plan_found=True, secret="acme-connection")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        pytest.param(DONE, [], id="nothing"),
        pytest.param(replace(DONE, steps=(CloseLogin("acme"),)), ["TenantSuspended"], id="suspended"),
        pytest.param(replace(DONE, steps=(OpenLogin("acme"),)), ["TenantResumed"], id="resumed"),
        pytest.param(replace(DONE, steps=(OpenLogin("acme"),), drifted=True), ["DriftRepaired"], id="reopened"),
        pytest.param(replace(DONE, steps=(SetSettings("acme", Login()),)), ["TenantChanged"], id="changed"),
        pytest.param(
            replace(DONE, steps=(SetVerifier("acme", -1),), drifted=True), ["PasswordReplaced"], id="password"
        ),
        pytest.param(
            replace(DONE, steps=(Restore("acme", OWNER), SetVerifier("acme", -1))),
            ["TenantRestored", "PasswordReplaced"],
            id="restored-without-secret",
        ),
        pytest.param(
            replace(DONE, steps=(MakeLogin("acme", Login()),), drifted=True),
            ["DriftRepaired", "PasswordReplaced"],
            id="dropped-with-its-secret",
        ),
        pytest.param(
            replace(DONE, steps=(MakeLogin("acme", Login()),), drifted=True, password_kept=True),
            ["DriftRepaired"],
            id="dropped",
        ),
        pytest.param(replace(DONE, secret_repaired=True, drifted=True), ["SecretRepaired"], id="secret"),
        pytest.param(replace(DONE, plan_found=False), ["PlanMissing"], id="plan-deleted"),
        pytest.param(
            Outcome(1, stopped=Stopped(reasons.PLAN_NOT_FOUND, "why"), plan_found=False), ["PlanNotFound"], id="no-plan"
        ),
        pytest.param(Outcome(1, stopped=Stopped(reasons.DOMAIN_TAKEN, "why")), ["DomainTaken"], id="stalled"),
    ],
)
def test_events_tell_what_changed(outcome: Outcome, told: list[str]) -> None:
    assert [notice.reason for notice in report.notices(outcome, ())] == told


def test_an_outage_is_told_once_however_its_words_change() -> None:
    first = Outcome(1, stopped=Stopped(reasons.DATABASE_UNREACHABLE, "Connection refused"))
    known = merge((), report.ready_conditions(first), "2026-01-01T00:00:00Z")
    again = Outcome(1, stopped=Stopped(reasons.DATABASE_UNREACHABLE, "PostgreSQL does not answer in time."))
    assert report.notices(again, known) == ()
