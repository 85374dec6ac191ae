"""What deletion means: set aside in place, give back, or drop for good."""

from dataclasses import dataclass

from tenant_manager.core.agenda import Agenda
from tenant_manager.core.identity import ACTIVE, Owner, Registration
from tenant_manager.core.login import SESSION_ENDS, SESSION_SHOWS, CloseLogin, EndSessions, ObservedLogin

# Relations in one transaction. Each takes four locks and one more for every index; 6,400 exhaust the lock table of a
# server with its defaults, and 250 ordinary tables of an application were seen to take 8,254.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Restore:
    """Gives retained data back to its owner, or to whom it was released."""

    identifier: str
    owner: Owner


@dataclass(frozen=True, slots=True)
class Retain:
    """Sets a closed tenant aside in place: names, data and grants stay."""

    identifier: str


@dataclass(frozen=True, slots=True)
class DropTables:
    """Drops some of the tenant's relations, where they are too many for one transaction."""

    identifier: str
    at_most: int = BATCH


@dataclass(frozen=True, slots=True)
class DropTenant:
    """Drops the schema and the roles of a closed tenant, and all that the registry and the catalog know of it."""

    identifier: str


@dataclass(frozen=True, slots=True)
class DropLeftover:
    """Tries again to drop a role that could not be dropped with its tenant."""

    role: str


@dataclass(frozen=True, slots=True)
class MarkAbandoned:
    """Notes that an active tenant has no object any more, or has one again. Login and data stay as they are."""

    identifier: str
    abandoned: bool


RetentionStep = Restore | Retain | DropTables | DropTenant | DropLeftover | MarkAbandoned
DeletionStep = CloseLogin | EndSessions | RetentionStep


@dataclass(frozen=True, slots=True)
class Deletable:
    """What a deletion looks at."""

    registration: Registration
    login: ObservedLogin | None
    relations: int = 0  # in the schema


def deletion(identifier: str, owner: Owner, keep: bool, observed: Deletable | None) -> Agenda[DeletionStep]:
    """Steps of a deletion, `keep` being deletionPolicy Retain.

    What is gone counts as done; what belongs to somebody else, or was set aside already, is left alone. Closing comes
    first and takes passes of its own, since a closed login holds only once it is committed.
    """
    if observed is None or observed.registration.owner != owner or observed.registration.state != ACTIVE:
        return Agenda()
    login = observed.login
    if login is None or not login.ours or login.attributes:
        login = ObservedLogin(open=False)  # nothing within reach to close
    if login.open:
        return Agenda((CloseLogin(identifier),), again=SESSION_SHOWS)
    if login.sessions:
        return Agenda((EndSessions(identifier),), again=SESSION_ENDS)
    if keep:
        return Agenda((Retain(identifier),))
    if observed.relations > BATCH:
        return Agenda((DropTables(identifier),), again=0.0)
    return Agenda((DropTenant(identifier),))
