"""The limits in force: what the plan grants, lowered by what the tenant asks, never raised."""

from decimal import Decimal

from tenant_manager.api.base import quantity_bytes
from tenant_manager.api.limits import AdditionalLimit, ApiCalls, CallPeriod, Limits
from tenant_manager.core.login import NO_LIMIT

HOURS = {CallPeriod.HOUR: 1, CallPeriod.DAY: 24, CallPeriod.MONTH: 24 * 30}


def in_force(plan: Limits, own: Limits | None) -> Limits:
    """The lower of the two, limit by limit; a limit that only one of them has counts as it is."""
    if own is None:
        return plan
    return Limits(
        users=_lower(plan.users, own.users),
        connections=_lower(plan.connections, own.connections),
        storage=_smaller(plan.storage, own.storage),
        api_calls=_slower(plan.api_calls, own.api_calls),
        additional=_additional(plan.additional, own.additional),
    )


def connection_limit(limits: Limits) -> int:
    """PostgreSQL's CONNECTION LIMIT."""
    return NO_LIMIT if limits.connections is None else limits.connections


def resources(limits: Limits) -> dict[str, Decimal]:
    """Limits by resource type, for `tenancy.tenant_resources`. Storage in bytes."""
    known: dict[str, Decimal | None] = {
        "users": _number(limits.users),
        "storage": _number(None if limits.storage is None else quantity_bytes(limits.storage)),
        "api_calls": _number(None if limits.api_calls is None else limits.api_calls.limit),
        "connections": _number(limits.connections),
    }
    given = {name: limit for name, limit in known.items() if limit is not None}
    return given | {extra.name: Decimal(extra.limit) for extra in limits.additional}


def _number(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _lower(plan: int | None, own: int | None) -> int | None:
    given = [value for value in (plan, own) if value is not None]
    return min(given, default=None)


def _smaller(plan: int | str | None, own: int | str | None) -> int | str | None:
    given = [value for value in (plan, own) if value is not None]
    return min(given, key=quantity_bytes, default=None)


def _slower(plan: ApiCalls | None, own: ApiCalls | None) -> ApiCalls | None:
    """Limits over different periods are compared by the hour, a month having 30 days."""
    given = [value for value in (plan, own) if value is not None]
    return min(given, key=lambda calls: Decimal(calls.limit) / HOURS[calls.period], default=None)


def _additional(plan: tuple[AdditionalLimit, ...], own: tuple[AdditionalLimit, ...]) -> tuple[AdditionalLimit, ...]:
    limits = {extra.name: extra.limit for extra in plan}
    for extra in own:
        limits[extra.name] = min(extra.limit, limits.get(extra.name, extra.limit))
    return tuple(AdditionalLimit(name=name, limit=limit) for name, limit in limits.items())
