"""The tenant's schema and who may use it. What the tenant keeps in it is never looked at."""

from dataclasses import dataclass

from tenant_manager.api import reasons
from tenant_manager.core.stopped import Stopped


@dataclass(frozen=True, slots=True)
class ObservedSchema:
    """A tenant's schema, as it is."""

    ours: bool = True  # it belongs to tenancy_definer and its comment carries the claim of the registry's row
    granted: bool = True  # the login has USAGE and CREATE, nobody else has anything


@dataclass(frozen=True, slots=True)
class MakeSchema:
    """Makes a registered tenant's missing schema again, or gives it its name back."""

    identifier: str


@dataclass(frozen=True, slots=True)
class SetGrants:
    """Gives the schema's privileges to the tenant and takes them from everybody else."""

    identifier: str


SchemaStep = MakeSchema | SetGrants


def check(identifier: str, observed: ObservedSchema) -> None:
    """Refuses to touch a schema that is not ours any more.

    Raises:
        Stopped: REPLACED.
    """
    if not observed.ours:
        what = f"The schema {identifier} was dropped and made again by somebody else."
        raise Stopped(reasons.REPLACED, f"{what} {reasons.REPLACED.advice}")


def diff(identifier: str, observed: ObservedSchema | None, login_is_new: bool) -> tuple[SchemaStep, ...]:
    """Steps that give the tenant its schema. A new role has lost its grants, whatever the old one had.

    The grants of a schema that has to be made name the login, so they come after both.
    """
    steps: list[SchemaStep] = []
    if observed is None:
        steps.append(MakeSchema(identifier))
    if login_is_new or observed is None or not observed.granted:
        steps.append(SetGrants(identifier))
    return tuple(steps)
