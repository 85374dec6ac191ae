"""The models: quantities, identifiers, what a newer CRD may add, and how conditions follow each other."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tenant_manager.api import reasons
from tenant_manager.api.base import BIGGEST_QUANTITY, quantity_bytes
from tenant_manager.api.conditions import LONGEST_MESSAGE, READY, RECONCILING, STALLED, Condition, Flag, merge
from tenant_manager.api.identifiers import LONGEST_IDENTIFIER, RESERVED_WORDS
from tenant_manager.api.limits import Limits
from tenant_manager.api.plan import PlanSpec, Session
from tenant_manager.api.reasons import EventReason, Reason
from tenant_manager.api.tenant import DEEPEST_SETTINGS, Access, Isolation, TenantSpec, TenantStatus, default_identifier

SUFFIXES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@pytest.mark.parametrize(
    ("quantity", "size"),
    [
        (0, 0),
        ("0Ki", 0),
        (1073741824, 2**30),
        ("10Gi", 10 * 2**30),
        ("1.5Gi", 3 * 2**29),
        ("10G", 10**10),
        ("1k", 1000),
        ("1E", 10**18),
        ("1E3", 1000),
        ("12e6", 12 * 10**6),
        ("0.5", 1),
        ("8E", BIGGEST_QUANTITY),
    ],
)
def test_quantities_are_bytes(quantity: str | int, size: int) -> None:
    assert quantity_bytes(quantity) == size


@pytest.mark.parametrize(
    "quantity",
    [
        "",
        "m",
        "500m",
        "1u",
        -1,
        "-1Gi",
        "+1",
        "1 Gi",
        "1GB",
        "1gi",
        "1K",
        "1.",
        ".5",
        "1e",
        "1e-3",
        "9E",
        "9e99",
        "1\n",
        "\u0661",
    ],
)
def test_what_is_no_quantity_of_bytes_is_refused(quantity: str | int) -> None:
    with pytest.raises(ValueError, match=r"^must be"):
        quantity_bytes(quantity)


@given(st.decimals(0, 10**6, places=3), st.sampled_from(sorted(SUFFIXES)))
def test_a_quantity_is_its_number_times_its_suffix_rounded_up(number: Decimal, suffix: str) -> None:
    exact = number * SUFFIXES[suffix]
    assert exact <= quantity_bytes(f"{number}{suffix}") < exact + 1


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("acme", "tenant_acme"),
        ("acme-eu-1", "tenant_acme_eu_1"),
        ("1", "tenant_1"),
        ("a" * 43, "tenant_" + "a" * 43),
        ("a" * 44, None),
        ("acme.eu", None),
        ("acme--eu", None),
        ("-acme", None),
        ("acme\n", None),
        ("", None),
    ],
)
def test_only_plain_names_have_a_default_identifier(name: str, identifier: str | None) -> None:
    assert default_identifier(name) == identifier


@given(st.from_regex("[a-z0-9]{1,20}(-[a-z0-9]{1,20})?", fullmatch=True))
def test_a_default_identifier_is_one_that_may_be_set(name: str) -> None:
    identifier = default_identifier(name)
    assert identifier is not None
    assert len(identifier) <= LONGEST_IDENTIFIER
    assert TenantSpec.model_validate({"identifier": identifier, "planRef": {"name": "gold"}}).identifier == identifier


def test_words_of_sql_are_reserved() -> None:
    assert {"select", "user", "table", "left", "authorization", "system_user"} <= RESERVED_WORDS
    assert not {"tenant", "acme", "name", "begin", "between"} & RESERVED_WORDS


def test_what_a_tenant_leaves_out_has_defaults() -> None:
    spec = TenantSpec.model_validate({"planRef": {"name": "gold"}})
    assert (spec.isolation, spec.access, spec.settings) == (Isolation.SCHEMA, Access.FULL, {})
    assert (spec.identifier, spec.limits, spec.connection_secret) == (None, None, None)


def test_what_a_plan_leaves_out_limits_nothing() -> None:
    spec = PlanSpec.model_validate({})
    assert (spec.limits, spec.session, spec.features) == (Limits(), Session(), ())


def test_a_field_of_a_newer_crd_is_ignored() -> None:
    spec = TenantSpec.model_validate({"planRef": {"name": "gold", "channel": "beta"}, "blueprintRef": {"name": "shop"}})
    assert spec == TenantSpec.model_validate({"planRef": {"name": "gold"}})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"a": ["b\0"]}, "U\\+0000"),
        ({"a": {"\0": 1}}, "U\\+0000"),
        (None, "dictionary"),
    ],
)
def test_settings_that_postgresql_cannot_store_are_refused(settings: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TenantSpec.model_validate({"planRef": {"name": "gold"}, "settings": settings})


@pytest.mark.parametrize("levels", [DEEPEST_SETTINGS, 9_000])
def test_settings_nested_without_end_are_refused(levels: int) -> None:
    nested: object = "leaf"
    for _ in range(levels):
        nested = {"a": nested}
    with pytest.raises(ValidationError, match="levels deep"):
        TenantSpec.model_validate({"planRef": {"name": "gold"}, "settings": {"a": nested}})


def test_settings_come_back_as_they_were() -> None:
    settings: dict[str, object] = {"none": None, "list": [], "map": {}, "snake_case": 1.5, "camelCase": [None]}
    assert TenantSpec.model_validate({"planRef": {"name": "g"}, "settings": settings}).as_json()["settings"] == settings


def test_an_error_does_not_repeat_what_a_customer_wrote() -> None:
    with pytest.raises(ValidationError) as refused:
        TenantSpec.model_validate({"planRef": {"name": "gold"}, "settings": {"token": "s3cret\0"}})
    assert "s3cret" not in str(refused.value)


def condition(kind: str, status: Flag, reason: str = "Ready", message: str = "", time: str = "") -> Condition:
    return Condition(
        type=kind, status=status, reason=reason, message=message, observed_generation=1, last_transition_time=time
    )


def test_a_new_condition_gets_the_time() -> None:
    assert merge((), [condition(READY, "True")], "now") == (condition(READY, "True", time="now"),)


def test_the_time_moves_only_with_the_status() -> None:
    old = (condition(READY, "False", reason="PlanNotFound", time="then"), condition(STALLED, "False", time="then"))
    new = [condition(READY, "True"), condition(STALLED, "False", message="other words")]
    assert merge(old, new, "now") == (
        condition(READY, "True", time="now"),
        condition(STALLED, "False", message="other words", time="then"),
    )


def test_conditions_keep_their_order_and_leave_with_the_set() -> None:
    old = (condition(STALLED, "False", time="then"), condition("Paused", "True", time="then"))
    new = [condition(READY, "True"), condition(RECONCILING, "False"), condition(STALLED, "False")]
    assert [each.type for each in merge(old, new, "now")] == [STALLED, READY, RECONCILING]


KINDS = st.sampled_from([READY, RECONCILING, STALLED, "PlanFound"])
FLAGS: st.SearchStrategy[Flag] = st.sampled_from(["True", "False", "Unknown"])
SETS = st.lists(st.builds(condition, KINDS, FLAGS), unique_by=lambda each: each.type)


@given(SETS, SETS)
def test_what_did_not_change_need_not_be_written(first: list[Condition], second: list[Condition]) -> None:
    old = merge(merge((), first, "then"), second, "now")
    assert merge(old, second[::-1], "later") == old


def test_a_status_is_never_too_long_to_be_written() -> None:
    assert len(condition(READY, "False", message="x" * 10_000).message) == LONGEST_MESSAGE
    status = TenantStatus.model_validate({"lastHandledReconcileAt": "x" * 10_000})
    assert len(status.last_handled_reconcile_at or "") == 256


def test_every_reason_has_one_name_and_says_what_to_do() -> None:
    names = [reason.name for reason in reasons.ALL] + [event.name for event in reasons.EVENTS]
    assert len(names) == len(set(names))
    for reason in reasons.ALL:
        assert reason.name.isalnum()
        assert reason.advice.endswith(".")
        assert reason.means.endswith(".")
    assert set(reasons.FINE) | set(reasons.TROUBLE) == set(reasons.ALL)


def test_no_reason_stands_in_the_manual_that_nothing_says() -> None:
    package = Path(reasons.__file__).parent.parent
    said = "".join(path.read_text() for path in package.rglob("*.py") if path != Path(reasons.__file__))
    names = [name for name, value in vars(reasons).items() if isinstance(value, Reason | EventReason)]
    assert [name for name in names if re.search(rf"\b{name}\b", said) is None] == []
