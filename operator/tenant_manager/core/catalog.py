"""The rows that applications join: who the tenant is, its plan, its limits, its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    return () if desired == observed else (SetCatalog(identifier, desired),)
