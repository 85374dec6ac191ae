"""The rows that applications join: who the tenant is, its plan, its limits, its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

ACTIVE, SUSPENDED = "active", "suspended"


@dataclass(frozen=True, slots=True)
class Catalog:
    """One tenant's row in `tenancy.tenants` and its rows in `tenancy.tenant_resources`."""

    name: str
    plan: str
    domain: str | None = None
    status: str = ACTIVE
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Decimal] = field(default_factory=dict)  # limit by resource type


@dataclass(frozen=True, slots=True)
class SetCatalog:
    """Writes the tenant's rows of the catalog."""

    identifier: str
    catalog: Catalog


def diff(identifier: str, desired: Catalog, observed: Catalog | None) -> tuple[SetCatalog, ...]:
    """The one step that the catalog may need."""
    if observed is not None and _exact(desired) == _exact(observed):
        return ()
    return (SetCatalog(identifier, desired),)


def _exact(catalog: Catalog) -> Catalog:
    return replace(catalog, settings=_as_jsonb(catalog.settings), limits=_as_jsonb(catalog.limits))


def _as_jsonb(value: Any) -> Any:
    """A JSON value that compares as PostgreSQL's does: true is not 1, and a number is what its digits say.

    To Python True equals 1, and 1e23 is not the 100000000000000000000000 that comes back.
    """
    if isinstance(value, Mapping):
        return {key: _as_jsonb(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_jsonb(inner) for inner in value]
    if isinstance(value, bool):
        return str(value), bool
    return Decimal(str(value)) if isinstance(value, int | float) else value
