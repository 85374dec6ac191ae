"""The fields of a kind as rows of a table."""

import re
from collections.abc import Iterator
from typing import Any, Final

from tools.crds import Kind, schema

Json = dict[str, Any]
Row = tuple[str, ...]

HEAD: Final = ("field", "type", "default", "must be", "what it is")
DRAWN_ONCE: Final = {".status.limits": "as `spec.limits`"}  # said where users write it


def rows(kind: Kind, part: str) -> list[Row]:
    """A row for each field of `spec` or `status`, in the order of the model."""
    return list(_rows(part, schema(kind)["properties"][part]))


def _rows(path: str, node: Json) -> Iterator[Row]:
    for name, field in node.get("properties", {}).items():
        here = f"{path}.{name}"
        once = DRAWN_ONCE.get(f".{here}")
        required = ", required" if name in node.get("required", []) and path.startswith("spec") else ""
        default = f"`{field['default']}`" if "default" in field else ""
        yield f"`{here}`", once or _type(field) + required, default, "" if once else _must(field), field["description"]
        if not once:
            yield from _rows(here, field)
            yield from _rows(f"{here}[]", field.get("items", {}))


def _type(field: Json) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    if field.get("x-kubernetes-preserve-unknown-fields"):
        return "any JSON object"
    match field["type"]:
        case "array":
            return f"list of {field['items']['type']}s"
        case "object" if "additionalProperties" in field:
            return "map of strings"
        case kind:
            return str(kind)


def _must(field: Json) -> str:
    choices = [" or ".join(f"`{word}`" for word in field["enum"])] if "enum" in field else []
    members = [*_words(field.get("items", {})), *_words(field.get("additionalProperties", {}))]
    return "; ".join([*choices, *_sizes(field), *_range(field), *_words(field), *members])


def _sizes(field: Json) -> Iterator[str]:
    counted = {"maxLength": "characters", "maxItems": "items", "maxProperties": "keys"}
    for keyword, things in counted.items():
        if keyword in field and not field.get("x-kubernetes-int-or-string"):
            yield f"at most {field[keyword]:,} {things}"


def _range(field: Json) -> Iterator[str]:
    if "minimum" in field and "maximum" in field:
        yield f"{field['minimum']:,} to {field['maximum']:,}"


def _words(field: Json) -> Iterator[str]:
    """What the rules say, without the field's name, which stands in the same row."""
    for rule in field.get("x-kubernetes-validations", []):
        yield re.sub(r"^`\w+` (must be )?", "", rule["message"])
