"""A Plan as it was applied last: its row in `tenancy.plans`, which stays when the Plan is deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tenant_manager.api.base import quantity_bytes
from tenant_manager.api.plan import PlanSpec, TenantNumbers
from tenant_manager.api.tenant import AppliedPlan

GIGABYTE = Decimal(10) ** 9  # bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """A Plan of the cluster, or what the database kept of one that was deleted."""

    name: str
    uid: str
    generation: int
    spec: PlanSpec

    @property
    def applied(self) -> AppliedPlan:
        """What a Tenant's status says of it."""
        return AppliedPlan(name=self.name, generation=self.generation)

    @property
    def storage_gigabytes(self) -> Decimal | None:
        """Storage limit in units of 10^9 bytes."""
        storage = self.spec.limits.storage
        return None if storage is None else quantity_bytes(storage) / GIGABYTE


@dataclass(frozen=True, slots=True)
class SetPlan:
    """Writes the plan's row."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """Removes the row of a deleted Plan that no tenant refers to."""

    name: str


PlanStep = SetPlan | ForgetPlan


def diff(desired: Plan, observed: Plan | None) -> tuple[SetPlan, ...]:
    """The one step that the plan's row may need. A Plan that was deleted and made again starts at generation 1."""
    if observed is not None and (desired.uid, desired.generation) == (observed.uid, observed.generation):
        return ()
    return (SetPlan(desired),)


@dataclass(frozen=True, slots=True)
class Follower:
    """What a Plan wants to know of a Tenant that names it."""

    applied: AppliedPlan | None
    stalled: bool


def numbers(plan: AppliedPlan, followers: Iterable[Follower]) -> TenantNumbers:
    """How many Tenants name the plan, have it applied at this generation, and are stalled."""
    listed = list(followers)
    return TenantNumbers(
        total=len(listed),
        current=sum(follower.applied == plan for follower in listed),
        stalled=sum(follower.stalled for follower in listed),
    )
