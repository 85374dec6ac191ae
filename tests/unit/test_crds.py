"""crds/ follows from the models, is structural, described and bounded, and what fits it parses."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import drawn
from tools.crds import KINDS, PLAN, TENANT, Kind, differing, rendered, schema, to_yaml

Json = dict[str, Any]

KEYWORDS_OF_A_STRUCTURAL_SCHEMA = {
    "description", "type", "format", "enum", "default", "items", "properties", "additionalProperties", "required",
    "maximum", "minimum", "maxLength", "minLength", "pattern", "maxItems", "maxProperties",
    "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
}  # fmt: skip


def nodes(path: str, node: Json) -> Iterator[tuple[str, Json]]:
    yield path, node
    for name, part in node.get("properties", {}).items():
        yield from nodes(f"{path}.{name}", part)
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in node:
            yield from nodes(path + mark, node[keyword])


EVERY_NODE = [(f"{kind.name}{path}", node) for kind in KINDS for path, node in nodes("", schema(kind))]
MEMBERS_SAY_NOTHING = ("[]", "{}")  # of lists and maps of strings: the list is described

many = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def test_the_committed_crds_are_those_of_the_models() -> None:
    assert differing(rendered()) == [], "run `make crds`"


def test_every_field_says_what_it_is() -> None:
    silent = [path for path, node in EVERY_NODE if not node.get("description", "").endswith(".")]
    assert [path for path in silent if not path.endswith(MEMBERS_SAY_NOTHING)] == []


def test_every_string_list_and_map_has_a_bound() -> None:
    assert [path for path, node in EVERY_NODE if not bounded(node)] == []


def bounded(node: Json) -> bool:
    match node.get("type"):
        case "string":
            return "enum" in node or "maxLength" in node
        case "array":
            return "maxItems" in node and node["x-kubernetes-list-type"] in {"map", "set"}
        case "object":
            return "properties" in node or "maxProperties" in node
        case _:
            return True


def test_every_part_is_structural() -> None:
    assert [path for path, node in EVERY_NODE if not is_structural(node)] == []


def is_structural(node: Json) -> bool:
    known = set(node.get("required", [])) <= set(node.get("properties", {}))
    if node.get("x-kubernetes-int-or-string"):
        allowed = (KEYWORDS_OF_A_STRUCTURAL_SCHEMA | {"anyOf"}) - {"type"}
        return known and set(node) <= allowed and node["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    return known and set(node) <= KEYWORDS_OF_A_STRUCTURAL_SCHEMA and "type" in node


def test_every_rule_says_what_must_hold() -> None:
    messages = [rule["message"] for _, node in EVERY_NODE for rule in node.get("x-kubernetes-validations", [])]
    assert [message for message in messages if not re.search("must |cannot |no key .* may ", message)] == []


def test_only_a_tenant_has_rules_at_its_root_and_only_two() -> None:
    assert len(schema(TENANT)["x-kubernetes-validations"]) == 2
    assert "x-kubernetes-validations" not in schema(PLAN)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_rule_judges_what_the_operator_writes(kind: Kind) -> None:
    for _, node in nodes("status", schema(kind)["properties"]["status"]):
        assert not {"x-kubernetes-validations", "pattern", "maximum", "minimum"} & set(node)


def test_only_a_tenant_has_a_status_before_anyone_looked_at_it() -> None:
    assert schema(TENANT)["properties"]["status"]["default"] == {"observedGeneration": -1}
    assert "default" not in schema(PLAN)["properties"]["status"]


def test_strings_that_yaml_takes_for_booleans_stay_strings() -> None:
    words = {"enum": ["y", "n", "Y", "N", "yes", "no", "on", "off", "true", "false", "null", "1", "1e3", "~"]}
    text = to_yaml(words)
    assert yaml.safe_load(text) == words
    assert "- y\n" not in text
    assert "- n\n" not in text.lower()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(data=st.data())
@many
def test_what_fits_the_crd_parses_and_comes_back_unchanged(kind: Kind, data: st.DataObject) -> None:
    spec = data.draw(drawn.specs(kind))
    parsed = kind.spec.model_validate(spec)
    assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == spec


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(data=st.data())
@many
def test_a_stored_status_parses_and_comes_back_unchanged(kind: Kind, data: st.DataObject) -> None:
    status = data.draw(drawn.statuses(kind))
    parsed = kind.status.model_validate(status)
    assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == status
