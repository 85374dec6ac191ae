"""Everything a pass looks at before it decides: the object, the database, the Secret, the plan."""

import asyncio
from dataclasses import dataclass

from tenant_manager.api import reasons
from tenant_manager.api.tenant import TenantSpec, default_identifier
from tenant_manager.core.identity import Owner
from tenant_manager.core.plan import Plan
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import Observed
from tenant_manager.kube import objects, secrets
from tenant_manager.kube.objects import PLAN, Key, KubeObject
from tenant_manager.kube.secrets import Found
from tenant_manager.postgres.tenant import observe
from tenant_manager.reconcile.cache import plan_name
from tenant_manager.reconcile.context import Context


@dataclass(frozen=True, slots=True)
class Scene:
    """What a pass knows. `secret` holds what is published; `foreign` says why nothing can be published there.

    Its name is somebody else's, or the API server lets nobody write it.
    """

    thing: KubeObject
    spec: TenantSpec
    identifier: str
    owner: Owner
    observed: Observed | None
    secret: Found
    foreign: Stopped | None = None


async def look(context: Context, thing: KubeObject) -> Scene:
    """Look at all of it, at once where that goes.

    Raises:
        Stopped: the spec is invalid, or the database cannot be used now.
        Refused, Unreachable: the API server's part failed.
    """
    spec = objects.tenant_spec(thing)
    identifier = identifier_of(thing, spec)
    name = secrets.name_of(thing, spec)
    owner, registered, (secret, foreign) = await asyncio.gather(
        context.owner(thing),
        observe(context.database, [identifier], spec.domain),
        _published(context, thing, name, identifier),
    )
    observed = registered.get(identifier)
    if foreign is not None and observed is None:
        raise foreign  # nothing half-made
    return Scene(thing, spec, identifier, owner, observed, secret, foreign)


def identifier_of(thing: KubeObject, spec: TenantSpec) -> str:
    """The Tenant's name inside PostgreSQL.

    Raises:
        Stopped: INVALID_SPEC; the CRD refuses such a Tenant, but it may be older than the rule.
    """
    name = spec.identifier or default_identifier(thing.key.name)
    if name is None:
        raise Stopped(reasons.INVALID_SPEC, "`spec.identifier` must be set: metadata.name gives no default.")
    return name


def plan_of(context: Context, thing: KubeObject, observed: Observed | None) -> tuple[Plan, bool]:
    """The plan that is in force for the Tenant, and whether it is the one that the Tenant names.

    After its Plan is deleted, or while it names one that is not there yet, a tenant keeps what was applied last.

    Raises:
        Stopped: PLAN_NOT_FOUND, for a tenant that never had one.
    """
    name = plan_name(thing)
    if (found := context.cache.objects.get(Key(PLAN, name))) is not None:
        return Plan(name, found.uid, found.generation, objects.plan_spec(found)), True
    catalog = observed.catalog if observed is not None else None
    kept = context.stored_plans.get(catalog.plan) if catalog is not None else None
    if kept is None:
        raise plan_not_found(name)
    return kept, False


def plan_not_found(name: str) -> Stopped:
    """There is no such Plan."""
    return Stopped(reasons.PLAN_NOT_FOUND, f"There is no Plan {name}. The Tenant follows as soon as one is applied.")


async def _published(context: Context, thing: KubeObject, name: str, identifier: str) -> tuple[Found, Stopped | None]:
    """The Secret as it is; where it is to have another name, the password comes from the one before."""
    try:
        found = await secrets.check(context.api, str(thing.key.namespace), name, identifier)
    except Stopped as stopped:
        return Found(), stopped
    before = (thing.status.get("binding") or {}).get("name", name)
    if found.data is not None or before == name:
        return found, None
    try:
        old = await secrets.check(context.api, str(thing.key.namespace), before, identifier)
    except Stopped:
        return found, None
    return Found(old.data, {}), None
