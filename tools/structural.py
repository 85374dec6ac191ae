"""Turns a model into the structural schema that a CustomResourceDefinition takes."""

from collections.abc import Mapping
from typing import Any, Final

from tenant_manager.api.base import ApiModel

Json = dict[str, Any]

INT32: Final = 2**31 - 1
FIRST: Final = ("description", "type", "format", "enum", "default", "x-kubernetes-int-or-string")
RULES: Final = "x-kubernetes-validations"
LAST: Final = (RULES, "required", "items", "additionalProperties", "properties")


def structural(model: type[ApiModel]) -> Json:
    """The schema of `model`: no references, no titles, no nulls; what is absent is unset."""
    whole = model.model_json_schema(by_alias=True)
    return _plain(whole, whole.get("$defs", {}))


def _plain(node: Json, definitions: Mapping[str, Json]) -> Json:
    schema = _without_null(_resolved(node, definitions), definitions)
    for noise in ("title", "$defs"):
        schema.pop(noise, None)
    if not schema.get("default", True):  # absence says the same
        del schema["default"]
    _simplify(schema)
    if "properties" in schema:
        schema["properties"] = {name: _plain(part, definitions) for name, part in schema["properties"].items()}
    for part in ("items", "additionalProperties"):
        if part in schema:
            schema[part] = _plain(schema[part], definitions)
    return _ordered(schema)


def _resolved(node: Json, definitions: Mapping[str, Json]) -> Json:
    """`node` with the model it refers to; its own description and rules win."""
    if "$ref" not in node:
        return dict(node)
    target = definitions[node["$ref"].removeprefix("#/$defs/")]
    return dict(target) | {key: value for key, value in node.items() if key != "$ref"}


def _without_null(schema: Json, definitions: Mapping[str, Json]) -> Json:
    """Optional fields are absent or set, never null."""
    options = schema.get("anyOf", [])
    if {"type": "null"} not in options:
        return schema
    (option,) = [option for option in options if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return _resolved(option, definitions) | rest


def _simplify(schema: Json) -> None:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.pop("additionalProperties", None)
    if schema.get("type") == "integer":
        schema["format"] = "int32" if schema.get("maximum", INT32 + 1) <= INT32 else "int64"
    if rules := schema.get(RULES):
        schema.pop("pattern", None)  # a rule refuses the same, in words
        schema[RULES] = [{"rule": rule["rule"], "message": rule["message"]} for rule in rules]


def _ordered(schema: Json) -> Json:
    middle = [key for key in schema if key not in FIRST and key not in LAST]
    return {key: schema[key] for key in (*FIRST, *middle, *LAST) if key in schema}


def trusted(schema: Json) -> Json:
    """`schema` without its rules and ranges, for what the operator writes itself.

    Limits come from objects that older CRDs may have accepted; a status that repeats them must never be refused.
    """
    checks = {RULES, "pattern", "minimum", "maximum", "minLength"}
    kept = {key: value for key, value in schema.items() if key not in checks}
    for part in ("items", "additionalProperties"):
        if part in kept:
            kept[part] = trusted(kept[part])
    if "properties" in kept:
        kept["properties"] = {name: trusted(part) for name, part in kept["properties"].items()}
    return kept
