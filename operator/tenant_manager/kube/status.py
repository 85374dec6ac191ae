"""Status and finalizer: merge patches of what changed, with the version that they were made from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tenant_manager.kube.client import API, FIELD_MANAGER, MERGE_PATCH, Api, Refused, Request
from tenant_manager.kube.objects import FINALIZER, PLAN, TENANT, Key, KubeObject, parse

NOT_FOUND, CONFLICT = 404, 409
PLURALS = {TENANT: "tenants", PLAN: "plans"}


class Gone(Exception):
    """The object is not there any more."""


class Outrun(Exception):
    """Somebody else has written the object since it was read; a newer version is on its way."""


def path_of(key: Key) -> str:
    """The object's path in the API."""
    namespace = f"/namespaces/{key.namespace}" if key.namespace else ""
    return f"{API}{namespace}/{PLURALS[key.kind]}/{key.name}"


async def write_status(api: Api, thing: KubeObject, status: Mapping[str, Any]) -> KubeObject:
    """Replace the status; nothing is sent when it is the same. The object as it is afterwards.

    Raises:
        Gone, Outrun: see there.
        Refused, Unreachable: the API server refused for another reason, or did not answer.
    """
    patch = merge_patch(thing.status, status)
    if not patch:
        return thing
    return await _patch(api, thing, "/status", {"metadata": _version(thing), "status": patch})


def with_finalizer(thing: KubeObject) -> KubeObject:
    """The object with our finalizer beside those of others."""
    return thing if FINALIZER in thing.finalizers else replace(thing, finalizers=(*thing.finalizers, FINALIZER))


async def add_finalizer(api: Api, thing: KubeObject) -> KubeObject:
    """Put our finalizer beside those of others; nothing is sent when it is there.

    Raises:
        as write_status
    """
    if FINALIZER in thing.finalizers:
        return thing
    return await _finalizers(api, thing, with_finalizer(thing).finalizers)


async def remove_finalizer(api: Api, thing: KubeObject) -> None:
    """Take our finalizer away and leave those of others. An object that is gone is as good.

    Raises:
        Outrun: see there.
        Refused, Unreachable: as write_status.
    """
    if FINALIZER not in thing.finalizers:
        return
    try:
        await _finalizers(api, thing, tuple(other for other in thing.finalizers if other != FINALIZER))
    except Gone:
        return


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7386) from `old` to `new`; empty when they are equal."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif key not in old or before != value:
            patch[key] = value
    return patch


async def _finalizers(api: Api, thing: KubeObject, finalizers: tuple[str, ...]) -> KubeObject:
    return await _patch(api, thing, "", {"metadata": {"finalizers": list(finalizers)} | _version(thing)})


async def _patch(api: Api, thing: KubeObject, subresource: str, body: Mapping[str, Any]) -> KubeObject:
    query = (("fieldManager", FIELD_MANAGER),)
    try:
        answer = await api.send(Request("PATCH", path_of(thing.key) + subresource, body, query, MERGE_PATCH))
    except Refused as refused:
        if refused.status == NOT_FOUND:
            raise Gone from None
        if refused.status == CONFLICT:
            raise Outrun from None
        raise
    return parse(thing.key.kind, answer)


def _version(thing: KubeObject) -> dict[str, str]:
    """With the UID, so that an object of the same name that was made since is never written."""
    return {"resourceVersion": str(thing.resource_version), "uid": thing.uid}
