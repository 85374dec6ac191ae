"""Conditions of a status, and how a new set replaces an old one."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from tenant_manager.api.base import ApiModel, shortened

READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
PLAN_FOUND: Final = "PlanFound"
PAUSED: Final = "Paused"
ROLLED_OUT: Final = "RolledOut"

MEANINGS: Final = {
    READY: "Tenant: its login works with what the connection Secret says, or is closed as `spec.access` asks.",
    RECONCILING: "Tenant: work or another try is pending; time alone may cure it.",
    STALLED: "Tenant: a person must act; the reason says who and how. Never True together with `Reconciling`.",
    PLAN_FOUND: "Tenant: the Plan in `spec.planRef.name` exists. False leaves a Tenant that was Ready as it is.",
    PAUSED: "Tenant: the operator leaves it as it is, because its annotation says so. Absent when not paused.",
    ROLLED_OUT: "Plan: its present generation has reached all its Tenants.",
}

LONGEST_MESSAGE: Final = 4096  # characters

Flag = Literal["True", "False", "Unknown"]


class Condition(ApiModel):
    """One fact about the object."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["type", "status", "reason", "message", "observedGeneration", "lastTransitionTime"]
        }
    )

    type: str = Field(
        min_length=1,
        max_length=316,
        pattern="^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$",
        description="What the condition is about, for example `Ready`.",
    )
    status: Flag = Field(description="Whether it holds: True, False or Unknown.")
    reason: str = Field(
        min_length=1,
        max_length=256,
        pattern="^[A-Za-z]([A-Za-z0-9]*[A-Za-z0-9])?$",
        description="Why, in one word for programs; the troubleshooting page lists them all.",
    )
    message: Annotated[str, shortened(LONGEST_MESSAGE)] = Field(
        max_length=LONGEST_MESSAGE,
        description="Why, in a sentence for people, with what to do and who may do it.",
    )
    observed_generation: int = Field(
        ge=0, description="The generation of the object that this condition was judged by."
    )
    last_transition_time: str = Field(
        default="",
        max_length=64,
        description="When `status` last changed, in UTC. A new reason or message alone does not move it.",
        json_schema_extra={"format": "date-time"},
    )


def merge(old: Sequence[Condition], new: Sequence[Condition], now: str) -> tuple[Condition, ...]:
    """The conditions of `new` in the order of `old`; what `new` does not name is dropped, what is new comes last.

    A condition keeps its lastTransitionTime unless its status moves, so the result
    equals `old` when nothing changed and need not be written. `now` is RFC 3339.
    """
    before = {condition.type: condition for condition in old}
    after = {condition.type: condition for condition in new}
    order = [kind for kind in before if kind in after] + [kind for kind in after if kind not in before]
    return tuple(_dated(after[kind], before.get(kind), now) for kind in order)


def _dated(new: Condition, old: Condition | None, now: str) -> Condition:
    moved = old is None or old.status != new.status or not old.last_transition_time
    time = now if old is None or moved else old.last_transition_time
    return new.model_copy(update={"last_transition_time": time})
