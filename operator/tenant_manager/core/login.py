"""The role: open or closed, its connection limit and settings, its membership in the group of tenants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenant_manager.api import reasons
from tenant_manager.api.base import quantity_bytes
from tenant_manager.api.plan import Session
from tenant_manager.core.agenda import Agenda
from tenant_manager.core.stopped import Stopped

NO_LIMIT = -1  # PostgreSQL's own word for it
SESSION_ENDS = 0.05  # seconds until a terminated session is usually gone
SESSION_SHOWS = 0.1  # seconds until one that was let in just before the login closed is usually in pg_stat_activity


@dataclass(frozen=True, slots=True)
class Login:
    """A tenant's role, as it should be."""

    connection_limit: int = NO_LIMIT
    settings: Mapping[str, str] = field(default_factory=dict)  # PostgreSQL's names and texts, without search_path
    open: bool = True


@dataclass(frozen=True, slots=True)
class ObservedLogin:
    """A tenant's role, as it is."""

    connection_limit: int = NO_LIMIT
    settings: Mapping[str, str] = field(default_factory=dict)
    open: bool = True
    expired: bool = False  # VALID UNTIL is set, which keeps a password out but not every other way in
    search_path: bool = True  # the role's search_path is the one it should have
    elsewhere: bool = False  # a managed setting is set for this database alone, and would win
    member: bool = True  # of tenancy_tenant, inheriting, without SET and ADMIN
    ours: bool = True  # its comment carries the claim of the registry's row
    attributes: tuple[str, ...] = ()  # SUPERUSER, CREATEROLE, …: nothing a tenant should have
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class MakeLogin:
    """Makes a registered tenant's missing role again, or gives it its name back."""

    identifier: str
    login: Login


@dataclass(frozen=True, slots=True)
class SetSettings:
    """Sets connection limit, search_path and session defaults."""

    identifier: str
    login: Login


@dataclass(frozen=True, slots=True)
class Join:
    """Makes the role a member of tenancy_tenant, through which it may connect."""

    identifier: str


@dataclass(frozen=True, slots=True)
class OpenLogin:
    """Lets the role log in again."""

    identifier: str


@dataclass(frozen=True, slots=True)
class CloseLogin:
    """Ends the sessions and forbids new ones, which holds only once it is committed."""

    identifier: str


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Ends the sessions that slipped in before the login was closed for good."""

    identifier: str


LoginStep = MakeLogin | SetSettings | Join | OpenLogin | CloseLogin | EndSessions


def session_settings(session: Session) -> dict[str, str]:
    """A plan's session defaults under PostgreSQL's names, as PostgreSQL will store the texts."""
    seconds = {
        "statement_timeout": session.statement_timeout_seconds,
        "idle_in_transaction_session_timeout": session.idle_in_transaction_session_timeout_seconds,
        "idle_session_timeout": session.idle_session_timeout_seconds,
        "lock_timeout": session.lock_timeout_seconds,
    }
    settings = {name: f"{value}s" for name, value in seconds.items() if value is not None}
    if session.work_mem is not None:
        settings["work_mem"] = f"{quantity_bytes(session.work_mem) // 1024}kB"
    return settings


def check(identifier: str, observed: ObservedLogin) -> None:
    """Refuses to touch a role that is not ours any more, or that has become more than a tenant.

    Raises:
        Stopped: REPLACED or DANGEROUS_ROLE.
    """
    if not observed.ours:
        what = f"The role {identifier} was dropped and made again by somebody else."
        raise Stopped(reasons.REPLACED, f"{what} {reasons.REPLACED.advice}")
    if observed.attributes:
        raise Stopped(
            reasons.DANGEROUS_ROLE,
            f"The role {identifier} has become {', '.join(observed.attributes)}. Nothing was changed. "
            f"{reasons.DANGEROUS_ROLE.advice}",
        )


def diff(identifier: str, desired: Login, observed: ObservedLogin | None) -> Agenda[LoginStep]:
    """Steps from `observed` to `desired`.

    Closing takes more than one pass: a client that reconnects quickly gets in
    before the commit, so the next pass looks again and ends what is left.
    Joining comes last: from then on the tenant can connect.
    """
    if observed is None:
        made: tuple[LoginStep, ...] = (MakeLogin(identifier, desired),)
        return Agenda((*made, *(() if desired.open else (CloseLogin(identifier),)), Join(identifier)))
    steps: list[LoginStep] = []
    if _settings_differ(desired, observed):
        steps.append(SetSettings(identifier, desired))
    if desired.open and (observed.expired or not observed.open):
        steps.append(OpenLogin(identifier))
    closing = not desired.open and observed.open
    if closing:
        steps.append(CloseLogin(identifier))
    elif not desired.open and observed.sessions:
        steps.append(EndSessions(identifier))
    if not observed.member:
        steps.append(Join(identifier))
    if closing:
        return Agenda(tuple(steps), again=SESSION_SHOWS)
    return Agenda(tuple(steps), again=SESSION_ENDS if not desired.open and observed.sessions else None)


def _settings_differ(desired: Login, observed: ObservedLogin) -> bool:
    return (
        desired.connection_limit != observed.connection_limit
        or dict(desired.settings) != dict(observed.settings)
        or not observed.search_path
        or observed.elsewhere
    )
