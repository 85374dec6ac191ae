"""The generated pages follow from their sources, and what they point at is there."""

import re

from tenant_manager.api import conditions, reasons
from tools.crds import KINDS, differing
from tools.fields import rows
from tools.reference import reference, rendered, troubleshooting


def test_the_committed_pages_are_those_of_their_sources() -> None:
    assert differing(rendered()) == [], "run `make docs`"


def test_every_reason_has_its_place_in_troubleshooting() -> None:
    places = {
        f"troubleshooting.md#{heading.lower()}" for heading in re.findall("^### (.*)$", troubleshooting(), re.MULTILINE)
    }
    assert set(re.findall(r"\]\((troubleshooting\.md#[^)]+)\)", reference())) == places
    assert len(places) == len(reasons.ALL)


def test_every_condition_is_explained() -> None:
    types = {value for name, value in vars(conditions).items() if name.isupper() and isinstance(value, str)}
    assert types == set(conditions.MEANINGS)


def test_no_cell_breaks_its_table() -> None:
    for kind in KINDS:
        for row in (*rows(kind, "spec"), *rows(kind, "status")):
            assert not any("\n" in cell for cell in row)


def test_no_default_of_a_setting_is_a_secret() -> None:
    (line,) = [line for line in reference().splitlines() if line.startswith("| `DATABASE_URL`")]
    assert line.split("|")[2].strip() == "required"
