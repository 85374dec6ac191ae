"""The connection Secret of a pass: written where it differs, never where it is somebody else's."""

from contextlib import suppress
from dataclasses import replace

from tenant_manager.api import reasons
from tenant_manager.core.credentials import Choice
from tenant_manager.core.outcome import Outcome
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube import secrets
from tenant_manager.kube.client import Refused, Request
from tenant_manager.kube.objects import KubeObject
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.look import Scene


async def publish(context: Context, scene: Scene, outcome: Outcome, password: str) -> Outcome:
    """Make the Secret what it should be; the outcome with what came of it.

    Raises:
        Refused, Unreachable: the API server's part failed; try again.
    """
    if scene.foreign is not None:
        return outcome
    data = secrets.data_of(scene.identifier, password, context.endpoint)
    wanted = secrets.build(scene.thing, scene.spec, scene.identifier, data)
    name = wanted["metadata"]["name"]
    if secrets.matches(scene.secret, wanted):
        return replace(outcome, secret=name)
    try:
        await secrets.write(context.api, wanted, known=scene.secret.data is not None)
    except Stopped as stopped:
        return replace(outcome, stopped=await _why(context, scene, stopped))
    was_there = (scene.thing.status.get("binding") or {}).get("name") == name
    return replace(outcome, secret=name, secret_repaired=was_there and outcome.drifted)


async def publishable(context: Context, scene: Scene, choice: Choice) -> tuple[Scene, Choice]:
    """The same, unless a login would lose its password for one that nobody could be told: then it keeps it.

    A dry run asks first, where a login that was there is to get a new password and there alone.

    Raises:
        Refused, Unreachable: the API server's part failed; try again.
    """
    if choice.stands or scene.observed is None or scene.observed.login is None:
        return scene, choice
    data = secrets.data_of(scene.identifier, choice.credentials.password, context.endpoint)
    wanted = secrets.build(scene.thing, scene.spec, scene.identifier, data)
    try:
        await secrets.write(context.api, wanted, known=scene.secret.data is not None, dry_run=True)
    except Stopped as stopped:
        return replace(scene, foreign=await _why(context, scene, stopped)), replace(choice, stands=True)
    return scene, choice


async def leave_to_the_tenant(context: Context, thing: KubeObject, identifier: str) -> None:
    """Have the Secret go with the Tenant: `deletionPolicy` may have become Delete a moment before the deletion.

    A Secret that is not ours, or that cannot be changed, stays.

    Raises:
        Unreachable: no answer; try again.
    """
    name = (thing.status.get("binding") or {}).get("name")
    if name is None:
        return
    with suppress(Stopped, Refused):
        found = await secrets.check(context.api, str(thing.key.namespace), name, identifier)
        if found.data is not None:
            await secrets.add_owner(context.api, thing, name, found)


async def _why(context: Context, scene: Scene, stopped: Stopped) -> Stopped:
    """In a namespace that is going, nothing can be made: waiting is right, since the Tenant goes as well."""
    found = await context.api.send(Request("GET", f"/api/v1/namespaces/{scene.owner.namespace}"))
    if found.get("status", {}).get("phase") != "Terminating":
        return stopped
    message = f"The namespace {scene.owner.namespace} is being deleted; no Secret can be made in it."
    return Stopped(reasons.NAMESPACE_TERMINATING, message)
