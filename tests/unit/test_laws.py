"""Laws of the pure core, for any tenant and any plan."""

import base64
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_manager.api.limits import AdditionalLimit, ApiCalls, CallPeriod, Limits
from tenant_manager.api.plan import PlanSpec, Session
from tenant_manager.api.tenant import Access, PlanRef, TenantSpec, default_identifier
from tenant_manager.core import limits, retention, tenant
from tenant_manager.core.agenda import Agenda
from tenant_manager.core.credentials import Credentials, StoredVerifier, choose, draw, is_well_formed
from tenant_manager.core.identity import RETAINED, Owner, Registration
from tenant_manager.core.login import SESSION_SHOWS, CloseLogin, EndSessions, ObservedLogin
from tenant_manager.core.plan import Plan
from tenant_manager.core.retention import Restore
from tenant_manager.core.schema import ObservedSchema
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import CreateTenant, Desired, Observed

OWNER = Owner("cluster", "customers", "uid-1", "acme")
names = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)
counts = st.none() | st.integers(0, 10_000)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
keys = st.text("abc", min_size=1, max_size=3)


def some(model: Callable[..., Any], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Models of these parts and no others: hypothesis would fill the rest by itself."""
    return st.fixed_dictionaries(parts).map(lambda drawn: model(**drawn))


extras = st.dictionaries(st.sampled_from(["projects", "seats", "bots"]), st.integers(0, 99)).map(
    lambda drawn: tuple(AdditionalLimit(name=name, limit=limit) for name, limit in drawn.items())
)
all_limits = some(
    Limits,
    users=counts,
    connections=counts,
    storage=st.none() | st.integers(0, 10**12),
    api_calls=st.none() | some(ApiCalls, limit=st.integers(0, 10**9), period=st.sampled_from(CallPeriod)),
    additional=extras,
)
sessions = some(
    Session,
    statement_timeout_seconds=counts,
    lock_timeout_seconds=counts,
    work_mem=st.sampled_from([None, "64Ki", "1Gi"]),
)
plans = some(
    Plan,
    name=st.just("gold"),
    uid=st.just("uid"),
    generation=st.integers(1, 9),
    spec=some(PlanSpec, limits=all_limits, session=sessions),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
specs = some(
    TenantSpec,
    plan_ref=st.just(PlanRef(name="gold")),
    access=st.sampled_from(Access),
    domain=st.sampled_from([None, "acme.example.com"]),
    limits=st.none() | all_limits,
    settings=st.dictionaries(keys, json_values, max_size=4),
)


def wanted(spec: TenantSpec, plan: Plan) -> Desired:
    return tenant.desired("tenant_acme", OWNER, spec, plan)


def as_it_should_be(desired: Desired) -> Observed:
    """What the database holds after `desired` was applied in full."""
    login = desired.login
    return Observed(
        Registration(desired.owner),
        ObservedLogin(login.connection_limit, login.settings, login.open),
        ObservedSchema(),
        desired.catalog,
    )


@given(specs, plans)
def test_what_is_as_it_should_be_needs_no_step(spec: TenantSpec, plan: Plan) -> None:
    desired = wanted(spec, plan)
    assert tenant.diff(desired, as_it_should_be(desired), password_stands=True) == Agenda()


@given(specs, specs, plans)
def test_the_same_difference_gives_the_same_steps(spec: TenantSpec, other: TenantSpec, plan: Plan) -> None:
    desired, observed = wanted(spec, plan), as_it_should_be(wanted(other, plan))
    assert tenant.diff(desired, observed, True) == tenant.diff(desired, observed, True)


@given(specs, plans)
def test_a_new_tenant_is_one_call_unless_it_starts_suspended(spec: TenantSpec, plan: Plan) -> None:
    steps = tenant.diff(wanted(spec, plan), None, False).steps
    assert isinstance(steps[0], CreateTenant)
    assert len(steps) == (1 if spec.access is Access.FULL else 2)


@given(specs, plans)
def test_no_step_holds_a_password_or_a_verifier(spec: TenantSpec, plan: Plan) -> None:
    fresh = draw(lambda count: b"\x01" * count)
    text = repr(tenant.diff(wanted(spec, plan), None, False))
    assert fresh.password not in text
    assert "SCRAM" not in text


@given(all_limits, st.none() | all_limits)
def test_a_tenants_own_limits_never_raise_what_the_plan_grants(granted: Limits, own: Limits | None) -> None:
    found = limits.resources(limits.in_force(granted, own))
    for name, limit in limits.resources(granted).items():
        if name != "api_calls":
            assert found[name] <= limit
    assert limits.in_force(granted, own) == limits.in_force(limits.in_force(granted, own), own)


@given(names, names)
def test_two_names_never_share_an_identifier(one: str, other: str) -> None:
    if one != other and default_identifier(one) is not None:
        assert default_identifier(one) != default_identifier(other)


@given(specs, plans, st.sampled_from(["cluster", "namespace", "namespace_uid", "name"]))
def test_data_returns_by_itself_only_to_the_same_owner(spec: TenantSpec, plan: Plan, part: str) -> None:
    desired = wanted(spec, plan)
    kept = replace(as_it_should_be(desired), registration=Registration(OWNER, RETAINED))
    assert Restore("tenant_acme", OWNER) in tenant.diff(desired, kept, True).steps
    stranger = replace(kept, registration=Registration(replace(OWNER, **{part: "another"}), RETAINED))
    with pytest.raises(Stopped, match="RetainedDataExists"):
        tenant.diff(desired, stranger, True)


@given(specs, plans)
def test_another_namespace_is_never_named(spec: TenantSpec, plan: Plan) -> None:
    holder = Owner("cluster", "secret-project", "uid-9", "holder")
    taken = replace(as_it_should_be(wanted(spec, plan)), registration=Registration(holder))
    with pytest.raises(Stopped, match="IdentifierTaken") as stopped:
        tenant.diff(wanted(spec, plan), taken, True)
    assert "secret-project" not in stopped.value.message
    assert "holder" not in stopped.value.message


@pytest.mark.parametrize("keep", [True, False])
def test_deletion_closes_before_it_takes_anything_away(keep: bool) -> None:
    registered = Registration(OWNER)
    login = ObservedLogin(sessions=2)
    closing = retention.deletion("tenant_acme", OWNER, keep, retention.Deletable(registered, login))
    assert closing.steps == (CloseLogin("tenant_acme"),)
    assert closing.again == SESSION_SHOWS
    ending = retention.deletion("tenant_acme", OWNER, keep, retention.Deletable(registered, replace(login, open=False)))
    assert ending.steps == (EndSessions("tenant_acme"),)


@pytest.mark.parametrize("part", ["cluster", "namespace", "namespace_uid", "name"])
def test_deletion_leaves_what_belongs_to_another_owner_alone(part: str) -> None:
    other = Registration(replace(OWNER, **{part: "another"}))
    assert retention.deletion("tenant_acme", OWNER, False, retention.Deletable(other, None)).steps == ()


@given(st.integers(0, 2**64))
def test_a_drawn_password_fits_its_verifier_and_no_other(seed: int) -> None:
    fresh = draw(random.Random(seed).randbytes, iterations=1)  # noqa: S311  # to be the same twice
    stored = stored_of(fresh)
    assert is_well_formed(fresh.password)
    assert stored.fits(fresh.password)
    assert not stored.fits(fresh.password[:-1] + ("a" if fresh.password[-1] != "a" else "b"))


def stored_of(fresh: Credentials) -> StoredVerifier:
    return StoredVerifier(
        fresh.iterations, base64.b64encode(fresh.salt).decode(), hashlib.sha256(fresh.verifier().encode()).digest()
    )


def test_a_published_password_stays_wherever_it_can() -> None:
    fresh = draw(lambda count: bytes(range(count)), 1)
    other = fresh.with_password("a" * 32)
    stands = choose(fresh, other.password, stored_of(other))
    assert (stands.credentials.password, stands.stands) == (other.password, True)
    remade = choose(fresh, other.password, None)
    assert (remade.credentials.password, remade.stands) == (other.password, False)
    set_back = choose(fresh, other.password, stored_of(other), changed=True)
    assert (set_back.credentials.password, set_back.stands) == (other.password, False)
    lost = choose(fresh, None, stored_of(other))
    assert (lost.credentials.password, lost.stands) == (fresh.password, False)
    edited = choose(fresh, "chosen by somebody", stored_of(other))
    assert (edited.credentials.password, edited.stands) == (fresh.password, False)


def test_the_settings_of_a_tenant_are_bounded() -> None:
    spec = TenantSpec(plan_ref=PlanRef(name="gold"), settings={"a": "x" * (16 * 1024 - 8)})
    assert len(json.dumps(spec.settings, separators=(",", ":"))) == 16 * 1024
    plan = Plan("gold", "uid", 1, PlanSpec())
    assert wanted(spec, plan)
    with pytest.raises(Stopped, match="SettingsTooLarge"):
        wanted(TenantSpec(plan_ref=PlanRef(name="gold"), settings={"a": "x" * (16 * 1024 - 7)}), plan)
