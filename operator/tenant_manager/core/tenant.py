"""The facets of a tenant together: what should be, what is, and the steps between, in the order they are taken."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tenant_manager.api import reasons
from tenant_manager.api.limits import Limits
from tenant_manager.api.tenant import Access, TenantSpec
from tenant_manager.core import catalog, identity, limits, login, schema
from tenant_manager.core.agenda import Agenda
from tenant_manager.core.catalog import Catalog, SetCatalog
from tenant_manager.core.credentials import SetVerifier, StoredVerifier
from tenant_manager.core.identity import RETAINED, Owner, Registration
from tenant_manager.core.login import Login, LoginStep, ObservedLogin
from tenant_manager.core.plan import Plan, PlanStep
from tenant_manager.core.retention import Deletable, MarkAbandoned, Restore, RetentionStep
from tenant_manager.core.schema import ObservedSchema, SchemaStep
from tenant_manager.core.stopped import Stopped

LONGEST_SETTINGS = 16 * 1024  # bytes of JSON; no CRD can measure a free object


@dataclass(frozen=True, slots=True)
class CreateTenant:
    """Makes everything a new tenant has, in one call: registry, login, schema, grants, catalog, history."""

    identifier: str
    owner: Owner
    login: Login
    catalog: Catalog


Step = CreateTenant | LoginStep | SchemaStep | SetVerifier | SetCatalog | PlanStep | RetentionStep


@dataclass(frozen=True, slots=True)
class Desired:
    """What a tenant should be."""

    identifier: str
    owner: Owner
    login: Login
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Observed:
    """What the database holds of a registered tenant. A part that is missing was dropped or renamed."""

    registration: Registration
    login: ObservedLogin | None
    schema: ObservedSchema | None
    catalog: Catalog | None
    verifier: StoredVerifier | None = None
    relations: int = 0  # in the schema
    domain_holder: str | None = None  # identifier that has the domain which the tenant asks for

    @property
    def deletable(self) -> Deletable:
        """What a deletion looks at. What a stranger's schema holds does not count."""
        ours = self.schema is not None and self.schema.ours
        return Deletable(self.registration, self.login, self.relations if ours else 0)


def desired(identifier: str, owner: Owner, spec: TenantSpec, plan: Plan) -> Desired:
    """The state that a Tenant of this plan should have.

    Raises:
        Stopped: SETTINGS_TOO_LARGE or INVALID_SPEC.
    """
    _check_texts(spec)
    granted = limits.in_force(plan.spec.limits, spec.limits)
    is_open = spec.access is Access.FULL
    return Desired(
        identifier,
        owner,
        Login(limits.connection_limit(granted), login.session_settings(plan.spec.session), open=is_open),
        Catalog(
            name=spec.display_name or owner.name,
            plan=plan.name,
            domain=spec.domain,
            status=catalog.ACTIVE if is_open else catalog.SUSPENDED,
            settings=spec.settings,
            limits=limits_json(granted),
            resources=limits.resources(granted),
        ),
    )


def limits_json(granted: Limits) -> dict[str, Any]:
    """Limits as users write them."""
    return granted.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


def diff(desired: Desired, observed: Observed | None, password_stands: bool) -> Agenda[Step]:
    """Steps from `observed` to `desired`, for one transaction.

    Raises:
        Stopped: somebody else has the identifier, or put something in the place of what was ours.
    """
    identifier = desired.identifier
    if observed is None:
        return _create(desired)
    identity.claim(identifier, desired.owner, observed.registration)
    _check_ours(identifier, observed)
    steps: list[Step] = []
    registration = observed.registration
    handed_over = registration.released_to is not None  # also to its own Tenant: then nobody else is to find it so
    if registration.owner != desired.owner or registration.state == RETAINED or handed_over:
        steps.append(Restore(identifier, desired.owner))
        observed = _restored(observed)
    elif registration.abandoned:
        steps.append(MarkAbandoned(identifier, abandoned=False))
    of_login = login.diff(identifier, desired.login, observed.login)
    made = [step for step in of_login.steps if isinstance(step, login.MakeLogin)]
    steps += made
    steps += schema.diff(identifier, observed.schema, login_is_new=bool(made))
    if not password_stands and not made:
        steps.append(SetVerifier(identifier, desired.login.connection_limit))
    steps += catalog.diff(identifier, desired.catalog, observed.catalog)
    steps += [step for step in of_login.steps if not isinstance(step, login.MakeLogin)]
    return Agenda(tuple(steps), of_login.again)


def with_domain(desired: Desired, domain: str | None) -> Desired:
    """The same, with another domain."""
    return replace(desired, catalog=replace(desired.catalog, domain=domain))


def _create(desired: Desired) -> Agenda[Step]:
    create = CreateTenant(desired.identifier, desired.owner, desired.login, desired.catalog)
    if desired.login.open:
        return Agenda((create,))
    return Agenda((create, login.CloseLogin(desired.identifier)))


def _check_ours(identifier: str, observed: Observed) -> None:
    if observed.login is not None:
        login.check(identifier, observed.login)
    if observed.schema is not None:
        schema.check(identifier, observed.schema)


def _restored(observed: Observed) -> Observed:
    """What Restore leaves behind: an open login that is a member again. Its catalog row says `retained` until set."""
    found = observed.login
    return replace(observed, login=None if found is None else replace(found, open=True, member=True, sessions=0))


def _check_texts(spec: TenantSpec) -> None:
    """What no CRD can check: the size of free JSON, and the characters that PostgreSQL has no room for."""
    if any("\x00" in text or not _is_unicode(text) for text in _strings(spec.settings)):
        raise Stopped(reasons.INVALID_SPEC, "`spec.settings` must not hold NUL characters or halves of characters.")
    size = len(json.dumps(spec.settings, separators=(",", ":"), ensure_ascii=False).encode())
    if size > LONGEST_SETTINGS:
        raise Stopped(
            reasons.SETTINGS_TOO_LARGE,
            f"`spec.settings` must be at most {LONGEST_SETTINGS} bytes of JSON; it has {size}.",
        )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
