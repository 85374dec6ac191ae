"""When a tenant's row of the catalog is written: where PostgreSQL's jsonb would call two values different."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tenant_manager.core import catalog
from tenant_manager.core.catalog import Catalog, SetCatalog


def settings(value: Any) -> Catalog:
    return Catalog("Acme", "gold", settings={"a": value})


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (True, 1), (0, False), ([1], [True]), ({"b": 1}, {"b": True}), (1, "1"), (0, None)]
)
def test_another_type_is_a_change(before: object, after: object) -> None:
    desired = settings(after)
    assert catalog.diff("acme", desired, settings(before)) == (SetCatalog("acme", desired),)


@pytest.mark.parametrize("number", [1e23, 1.5e300, 1e-7, 0.1, 1.0, -0.0, 1e22, 2**53, -(2**63)])
def test_a_number_that_comes_back_in_other_digits_is_no_change(number: float) -> None:
    stored = format(Decimal(str(number)), "f")  # as jsonb writes it
    assert catalog.diff("acme", settings(number), settings(json.loads(stored))) == ()
