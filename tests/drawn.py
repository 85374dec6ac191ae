"""Objects drawn from a CRD's schema: whatever the API server would store, as far as a generator can know."""

import re
from typing import Any, Final

from hypothesis import strategies as st

from tools.crds import Kind, schema
from tools.structural import structural

Json = dict[str, Any]

MATCHES: Final = re.compile(r"self\.matches\(r'(?P<pattern>.*)'\)")
ONE_OF: Final = re.compile(r"!\(self in \[(?P<words>.*)\]\)")
UNITS: Final = ["", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "e3", "E2"]

KEYS: Final = st.from_regex(r"([a-z]{1,10}[.][a-z]{1,5}/)?[A-Za-z]([-_.A-Za-z0-9]{0,20}[A-Za-z0-9])?", fullmatch=True)
JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=3),
    max_leaves=8,
)
STORAGE: Final = st.integers(0, 8 * 10**18) | st.builds("{}{}".format, st.integers(0, 7000), st.sampled_from(UNITS))
WORK_MEM: Final = st.integers(65536, 2147483647 * 1024) | st.integers(64, 2147483647).map("{}Ki".format)


def specs(kind: Kind) -> st.SearchStrategy[Json]:
    return values("spec", schema(kind)["properties"]["spec"])


def statuses(kind: Kind) -> st.SearchStrategy[Json]:
    return values("status", structural(kind.status))  # the CRD itself bounds less: the operator alone writes it


def values(name: str, node: Json) -> st.SearchStrategy[Any]:
    """Values of one field."""
    if node.get("x-kubernetes-int-or-string"):
        return WORK_MEM if name == "workMem" else STORAGE
    if node.get("x-kubernetes-preserve-unknown-fields"):
        return st.dictionaries(st.text("abcdef", min_size=1), JSON, max_size=8)
    match node["type"]:
        case "integer":
            return st.integers(node.get("minimum", 0), node.get("maximum", 2**53))
        case "string":
            return _strings(node)
        case "array":
            return _lists(name, node)
        case _:
            return _objects(node)


def _objects(node: Json) -> st.SearchStrategy[Json]:
    if "additionalProperties" in node:
        return st.dictionaries(KEYS, values("", node["additionalProperties"]), max_size=4)
    fields = {name: values(name, part) for name, part in node["properties"].items()}
    required = {name: fields.pop(name) for name in node.get("required", [])}
    return st.fixed_dictionaries(required, optional=fields)


def _lists(name: str, node: Json) -> st.SearchStrategy[list[Any]]:
    keys = node.get("x-kubernetes-list-map-keys")
    once = (lambda item: tuple(item[key] for key in keys)) if keys else (lambda item: item)
    return st.lists(values(name, node["items"]), max_size=min(node["maxItems"], 4), unique_by=once)


def _strings(node: Json) -> st.SearchStrategy[str]:
    rules = [rule["rule"] for rule in node.get("x-kubernetes-validations", [])]
    patterns = [found["pattern"] for rule in rules if (found := MATCHES.fullmatch(rule))]
    patterns += [node["pattern"]] if "pattern" in node else []
    reserved = {word for rule in rules if (found := ONE_OF.fullmatch(rule)) for word in _words(found["words"])}
    if "enum" in node:
        drawn = st.sampled_from([word for word in node["enum"] if f"self != '{word}'" not in rules])
    elif patterns:
        drawn = st.from_regex(patterns[0], fullmatch=True)
    else:
        drawn = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=node.get("minLength", 0))
    prefixes = tuple(re.findall(r"self\.startsWith\('([^']*)'\)", " ".join(rules)))
    longest = node.get("maxLength", 100)
    return drawn.filter(lambda word: len(word) <= longest and word not in reserved and not word.startswith(prefixes))


def _words(listed: str) -> list[str]:
    return re.findall(r"'([^']*)'", listed)
