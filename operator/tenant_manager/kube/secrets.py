"""The connection Secret: building it, checking it, writing it. No answer about a Secret is ever logged."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from tenant_manager.api import reasons
from tenant_manager.api.base import GROUP, VERSION
from tenant_manager.api.tenant import DeletionPolicy, TenantSpec
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube.client import APPLY_PATCH, BY_RBAC, FIELD_MANAGER, MERGE_PATCH, Api, Refused, Request
from tenant_manager.kube.objects import KubeObject

TYPE: Final = "servicebinding.io/postgresql"
LABEL: Final = f"{GROUP}/tenant"
SUFFIX: Final = "-connection"
LONGEST_NAME: Final = 253
COMMON_LABELS: Final = {
    "app.kubernetes.io/name": "tenant-manager",
    "app.kubernetes.io/managed-by": "tenant-manager",
    "app.kubernetes.io/component": "connection",
}

FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 403, 404, 409, 422


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where applications reach the database: not always where the operator does."""

    host: str
    port: int
    dbname: str
    sslmode: str
    ca: str | None = field(default=None, repr=False)  # PEM


@dataclass(frozen=True, slots=True)
class Found:
    """What a check of the Secret found: `data` of our own, `None` where there is none."""

    data: Mapping[str, str] | None = field(default=None, repr=False)  # decoded
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def password(self) -> str | None:
        """The password that it holds."""
        return None if self.data is None else self.data.get("password")


def name_of(tenant: KubeObject, spec: TenantSpec) -> str:
    """The Secret's name.

    Raises:
        Stopped: SECRET_NAME_TOO_LONG.
    """
    if spec.connection_secret is not None and spec.connection_secret.name is not None:
        return spec.connection_secret.name
    name = tenant.key.name + SUFFIX
    if len(name) > LONGEST_NAME:
        longest = LONGEST_NAME - len(SUFFIX)
        raise Stopped(
            reasons.SECRET_NAME_TOO_LONG,
            f"`spec.connectionSecret.name` must be set when metadata.name is longer than {longest} characters.",
        )
    return name


def data_of(identifier: str, password: str, endpoint: Endpoint) -> dict[str, str]:
    """What applications find: the keys of servicebinding.io, and those that users of CloudNativePG expect."""
    host, port, dbname, mode = endpoint.host, str(endpoint.port), endpoint.dbname, endpoint.sslmode
    address = f"[{host}]" if ":" in host else host
    where = f"{address}:{port}/{quote(dbname, safe='')}"
    data = {
        "type": "postgresql",
        "provider": "tenant-manager",
        "host": host,
        "port": port,
        "database": dbname,
        "dbname": dbname,
        "username": identifier,
        "user": identifier,
        "password": password,
        "sslmode": mode,
        "uri": f"postgresql://{identifier}:{password}@{where}?{urlencode({'sslmode': mode})}",
        "jdbc-uri": f"jdbc:postgresql://{where}?"
        + urlencode({"user": identifier, "password": password, "sslmode": mode}),
        "pgpass": ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in (host, port, dbname, identifier))
        + f":{password}\n",
    }
    return data if endpoint.ca is None else data | {"ca.crt": endpoint.ca}


def build(tenant: KubeObject, spec: TenantSpec, identifier: str, data: Mapping[str, str]) -> dict[str, Any]:
    """The whole Secret as it should be.

    It belongs to the Tenant only while the data would go with it: foreground deletion
    removes owned objects while our finalizer still holds the Tenant.
    """
    own = spec.connection_secret
    metadata: dict[str, Any] = {
        "name": name_of(tenant, spec),
        "namespace": tenant.key.namespace,
        "labels": dict(own.labels if own else {}) | COMMON_LABELS | {LABEL: identifier},
        "annotations": dict(own.annotations if own else {}),
    }
    if spec.deletion_policy is DeletionPolicy.DELETE:
        metadata["ownerReferences"] = [_reference(tenant)]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TYPE,
        "metadata": metadata,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def _reference(tenant: KubeObject) -> dict[str, str]:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Tenant", "name": tenant.key.name, "uid": tenant.uid}


def matches(found: Found, wanted: Mapping[str, Any]) -> bool:
    """Whether the Secret holds all that it should; what others added is theirs."""
    meta = wanted["metadata"]
    return (
        found.data is not None
        and all(found.data.get(key) == _decoded(value) for key, value in wanted["data"].items())
        and all(_has(found.meta, part, meta[part]) for part in ("labels", "annotations"))
        and _owned(found.meta) == _owned(meta)
    )


async def check(api: Api, namespace: str, name: str, identifier: str) -> Found:
    """Look at the Secret by an empty dry-run PATCH, which changes nothing; the only right to read that there is.

    Raises:
        Stopped: SECRET_NOT_OWNED.
        Refused, Unreachable: the API server refused for another reason, or did not answer.
    """
    try:
        answer = await api.send(_patch(namespace, name, {}, MERGE_PATCH, (("dryRun", "All"),)))
    except Refused as refused:
        if refused.status == NOT_FOUND:
            return Found()
        if refused.message == BY_RBAC:
            raise _not_let(name, refused) from None
        if refused.status in {FORBIDDEN, UNPROCESSABLE}:
            raise _not_owned(name) from None
        raise
    meta = answer["metadata"]
    if answer.get("type") != TYPE or (meta.get("labels") or {}).get(LABEL) != identifier:
        raise _not_owned(name)
    return Found({key: _decoded(value) for key, value in (answer.get("data") or {}).items()}, meta)


async def write(api: Api, secret: Mapping[str, Any], known: bool, *, dry_run: bool = False) -> None:
    """Apply the Secret, or only ask whether that would work. `known`: the check found it to be ours.

    Raises:
        Stopped: SECRET_NOT_OWNED, or SECRET_REFUSED.
        Refused, Unreachable: as `check`.
    """
    meta = secret["metadata"]
    query = (("fieldManager", FIELD_MANAGER), ("force", "true"), *((("dryRun", "All"),) if dry_run else ()))
    try:
        await api.send(_patch(meta["namespace"], meta["name"], secret, APPLY_PATCH, query))
    except Refused as refused:
        if refused.status == UNPROCESSABLE and not known:  # one of another type, made since; the type is immutable
            raise _not_owned(meta["name"]) from None
        if refused.status in {FORBIDDEN, UNPROCESSABLE}:
            raise _not_let(meta["name"], refused) from None
        raise


async def add_owner(api: Api, tenant: KubeObject, name: str, found: Found) -> None:
    """Make the Tenant an owner of a Secret that was found to be ours; nothing is sent when it is.

    A merge patch, since it makes no Secret where there is none any more.

    Raises:
        Refused, Unreachable: as `check`.
    """
    if tenant.uid in _owned(found.meta):
        return
    owners = [*(found.meta.get("ownerReferences") or ()), _reference(tenant)]
    body = {"metadata": {"ownerReferences": owners, "resourceVersion": found.meta["resourceVersion"]}}
    await api.send(_patch(str(tenant.key.namespace), name, body, MERGE_PATCH, (("fieldManager", FIELD_MANAGER),)))


async def policy_is_in_force(api: Api, namespace: str) -> bool:
    """Whether admission refuses what the operator must not write: a dry run of an Opaque Secret tells, harmlessly."""
    probe = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "tenant-manager-policy-probe", "namespace": namespace},
    }
    path = f"/api/v1/namespaces/{namespace}/secrets"
    try:
        await api.send(Request("POST", path, probe, (("dryRun", "All"),), withheld=True))
    except Refused as refused:
        return refused.status == FORBIDDEN
    return False


def _patch(
    namespace: str, name: str, body: Mapping[str, Any], content: str, query: tuple[tuple[str, str], ...]
) -> Request:
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    return Request("PATCH", path, body, query, content, withheld=True)


def _not_owned(name: str) -> Stopped:
    return Stopped(
        reasons.SECRET_NOT_OWNED,
        f"The Secret {name} exists and is not ours; it is left alone. Set another `spec.connectionSecret.name`, or let "
        "its owner delete it.",
    )


def _not_let(name: str, refused: Refused) -> Stopped:
    return Stopped(
        reasons.SECRET_REFUSED, f"The API server does not let the operator write the Secret {name}: {refused.message}."
    )


def _has(meta: Mapping[str, Any], part: str, wanted: Mapping[str, str]) -> bool:
    """Whether all of `wanted` is there, and nothing of ours that is not wanted any more."""
    there = meta.get(part) or {}
    return wanted.items() <= there.items() and _managed(meta, part) <= wanted.keys()


def _managed(meta: Mapping[str, Any], part: str) -> set[str]:
    """The labels or annotations that we put there, as the API server remembers it for server-side apply."""
    return {
        field.removeprefix("f:")
        for entry in meta.get("managedFields") or ()
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        for field in entry.get("fieldsV1", {}).get("f:metadata", {}).get(f"f:{part}", {})
        if field != "."
    }


def _owned(meta: Mapping[str, Any]) -> set[str]:
    return {owner["uid"] for owner in meta.get("ownerReferences") or () if owner.get("kind") == "Tenant"}


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode(errors="replace")
