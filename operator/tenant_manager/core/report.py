"""What users are told of a pass: conditions, Events, a line in the log. Pure; the same outcome says the same twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenant_manager.api import conditions, reasons
from tenant_manager.api.conditions import Condition, Flag
from tenant_manager.api.reasons import EventReason, Reason
from tenant_manager.core.credentials import SetVerifier
from tenant_manager.core.login import CloseLogin, OpenLogin
from tenant_manager.core.outcome import Outcome
from tenant_manager.core.tenant import Step


@dataclass(frozen=True, slots=True)
class Notice:
    """An Event to be sent."""

    reason: str
    message: str
    warning: bool = False

    @classmethod
    def of(cls, event: EventReason, message: str) -> "Notice":
        """The Event for something that was done or noticed."""
        return cls(event.name, message, event.warning)


def ready_conditions(outcome: Outcome) -> tuple[Condition, ...]:
    """Ready, Reconciling and Stalled, and whether the plan was found."""
    stopped, waiting = outcome.stopped, outcome.waiting
    reason, message = _why(outcome)
    flags: dict[str, Flag] = {
        conditions.READY: "True" if stopped is None and not waiting else "False",
        conditions.RECONCILING: "True" if waiting else "False",
        conditions.STALLED: "True" if stopped is not None and not waiting else "False",
    }
    found = [_condition(kind, flag, reason, message, outcome.generation) for kind, flag in flags.items()]
    if outcome.plan_found is not None:
        found.append(_plan_found(outcome))
    return tuple(found)


def paused_conditions(before: Sequence[Condition], generation: int) -> tuple[Condition, ...]:
    """A paused Tenant stays as Ready or as Stalled as it was: else everything that waits for it would hang."""
    kept = {condition.type: condition.status for condition in before}
    message = "Paused by the annotation `tenancy.neostack.io/paused`; nothing is changed until it is removed."
    flags: dict[str, Flag] = {
        conditions.READY: kept.get(conditions.READY, "False"),
        conditions.RECONCILING: "False",
        conditions.STALLED: kept.get(conditions.STALLED, "False"),
        conditions.PAUSED: "True",
    }
    rest = [item for item in before if item.type not in flags]
    paused = [_condition(kind, flag, reasons.PAUSED, message, generation) for kind, flag in flags.items()]
    return (*paused, *(_condition_again(item, generation) for item in rest))


def notices(outcome: Outcome, before: Sequence[Condition]) -> tuple[Notice, ...]:
    """Events on change only: what was done, and what stopped the pass if that is new."""
    told = [notice for notice in (_done(outcome), _password(outcome), _plan_missing(outcome, before)) if notice]
    stopped = outcome.stopped
    if stopped is not None and _is_news(outcome, before):
        told.append(Notice(stopped.reason.name, stopped.message, warning=True))
    return tuple(told)


def names(steps: Sequence[Step]) -> list[str]:
    """The steps as users read them, in Events, history and metrics."""
    return [type(step).__name__ for step in steps]


def _why(outcome: Outcome) -> tuple[Reason, str]:
    if outcome.stopped is not None:
        return outcome.stopped.reason, outcome.stopped.message
    if outcome.waiting:
        return reasons.RECONCILING, "Changes are being applied."
    if outcome.suspended:
        return reasons.SUSPENDED, "The login is closed, as `spec.access` asks; data and password are kept."
    return reasons.READY, f"Schema and login {outcome.identifier} are as they should be."


def _plan_found(outcome: Outcome) -> Condition:
    if outcome.plan_found:
        return _condition(conditions.PLAN_FOUND, "True", reasons.PLAN_FOUND, "The Plan is there.", outcome.generation)
    message = "The Plan is not there; what it said last stays in force." if outcome.plan else "The Plan is not there."
    return _condition(conditions.PLAN_FOUND, "False", reasons.PLAN_NOT_FOUND, message, outcome.generation)


def _condition(kind: str, flag: Flag, reason: Reason, message: str, generation: int) -> Condition:
    return Condition(type=kind, status=flag, reason=reason.name, message=message, observed_generation=generation)


def _condition_again(condition: Condition, generation: int) -> Condition:
    return condition.model_copy(update={"observed_generation": generation})


def _is_news(outcome: Outcome, before: Sequence[Condition]) -> bool:
    """A new reason; where a person must act, a new message too, since it may name another field."""
    reason, message = _why(outcome)
    known = next((item for item in before if item.type == conditions.READY), None)
    return known is None or known.reason != reason.name or (not reason.waits and known.message != message)


def _plan_missing(outcome: Outcome, before: Sequence[Condition]) -> Notice | None:
    known = any(item.type == conditions.PLAN_FOUND and item.status == "False" for item in before)
    if outcome.plan_found is not False or known or outcome.stopped is not None:
        return None
    return Notice.of(reasons.PLAN_MISSING, _plan_found(outcome).message)


def _done(outcome: Outcome) -> Notice | None:
    """The one Event that says what the pass did; the first that fits."""
    name, kinds = outcome.identifier, {type(step) for step in outcome.steps}
    what = ", ".join(names(outcome.steps))
    repaired = outcome.drifted and bool(kinds - {SetVerifier})
    told = (
        (outcome.created, reasons.TENANT_CREATED, f"Made schema and login {name}."),
        (outcome.restored, reasons.TENANT_RESTORED, f"Gave the retained schema and login {name} back."),
        (repaired, reasons.DRIFT_REPAIRED, f"Repaired {name}: {what}."),
        (CloseLogin in kinds, reasons.TENANT_SUSPENDED, f"Closed the login {name} and ended its sessions."),
        (OpenLogin in kinds, reasons.TENANT_RESUMED, f"Opened the login {name}; its password is the same."),
        (bool(kinds - {SetVerifier}), reasons.TENANT_CHANGED, f"Changed {name}: {what}."),
        (outcome.secret_repaired and not kinds, reasons.SECRET_REPAIRED, f"Wrote the Secret {outcome.secret} again."),
    )
    return next((Notice.of(event, message) for holds, event, message in told if holds), None)


def _password(outcome: Outcome) -> Notice | None:
    if not outcome.new_password or outcome.created or outcome.secret is None:
        return None
    text = f"The login {outcome.identifier} has a new password; it is in the Secret {outcome.secret}."
    return Notice.of(reasons.PASSWORD_REPLACED, text)
