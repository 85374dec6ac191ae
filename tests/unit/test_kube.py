"""What the operator sends to the API server: patches and Secrets."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_manager.api.tenant import ConnectionSecret, DeletionPolicy, PlanRef, TenantSpec
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube import client, secrets
from tenant_manager.kube.objects import TENANT, KubeObject, parse
from tenant_manager.kube.secrets import Endpoint, Found
from tenant_manager.kube.status import merge_patch

HERE = Endpoint("db.example.com", 5432, "app", "verify-full", "-----BEGIN CERTIFICATE-----\n")
json_objects = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=12,
).filter(lambda value: isinstance(value, dict))


def apply_patch(old: Any, patch: Any) -> Any:
    """RFC 7386, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    target = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = apply_patch(target.get(key), value)
    return target


@given(json_objects, json_objects)
def test_a_merge_patch_leads_from_the_old_to_the_new(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert apply_patch(old, merge_patch(old, new)) == new


@given(json_objects)
def test_nothing_is_sent_when_nothing_changed(same: dict[str, Any]) -> None:
    assert merge_patch(same, same) == {}


def a_tenant(name: str = "acme") -> KubeObject:
    metadata = {"name": name, "namespace": "customers", "uid": "uid-1", "resourceVersion": "1", "generation": 1}
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return parse(TENANT, {"metadata": metadata})


def a_spec(**more: Any) -> TenantSpec:
    return TenantSpec(plan_ref=PlanRef(name="gold"), **more)


def as_found(secret: dict[str, Any]) -> Found:
    """The Secret as the API server gives it back after our server-side apply."""
    parts: dict[str, Any] = {
        f"f:{part}": {f"f:{key}": {} for key in secret["metadata"][part]} for part in ("labels", "annotations")
    }
    entry = {"manager": client.FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:metadata": parts}}
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    return Found(data, secret["metadata"] | {"managedFields": [entry]})


def test_every_key_leads_to_the_same_login() -> None:
    data = secrets.data_of("acme", "pw", HERE)
    assert data["uri"] == "postgresql://acme:pw@db.example.com:5432/app?sslmode=verify-full"
    assert data["jdbc-uri"] == "jdbc:postgresql://db.example.com:5432/app?user=acme&password=pw&sslmode=verify-full"
    assert data["pgpass"] == "db.example.com:5432:app:acme:pw\n"
    assert {data[key] for key in ("username", "user")} == {"acme"}
    assert {data[key] for key in ("database", "dbname")} == {"app"}
    assert (data["type"], data["ca.crt"]) == ("postgresql", HERE.ca)


def test_odd_places_are_written_so_that_clients_find_them() -> None:
    data = secrets.data_of("acme", "pw", Endpoint("fd00::1", 5432, "a b/c:d", "require"))
    assert data["uri"] == "postgresql://acme:pw@[fd00::1]:5432/a%20b%2Fc%3Ad?sslmode=require"
    assert data["pgpass"] == "fd00\\:\\:1:5432:a b/c\\:d:acme:pw\n"
    assert "ca.crt" not in data


@pytest.mark.parametrize(("policy", "owned"), [(DeletionPolicy.RETAIN, False), (DeletionPolicy.DELETE, True)])
def test_the_secret_goes_with_the_tenant_only_when_the_data_does(policy: DeletionPolicy, owned: bool) -> None:
    built = secrets.build(a_tenant(), a_spec(deletion_policy=policy), "acme", {})
    assert ("ownerReferences" in built["metadata"]) == owned


def test_users_cannot_replace_our_own_labels() -> None:
    own = ConnectionSecret(labels={"app.kubernetes.io/name": "mine", "team": "a"})
    labels = secrets.build(a_tenant(), a_spec(connection_secret=own), "acme", {})["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "tenant-manager"
    assert (labels["team"], labels[secrets.LABEL]) == ("a", "acme")


def test_what_others_added_is_theirs_and_what_we_no_longer_want_goes() -> None:
    labelled = a_spec(connection_secret=ConnectionSecret(labels={"team": "a"}))
    wanted = secrets.build(a_tenant(), labelled, "acme", secrets.data_of("acme", "pw", HERE))
    found = as_found(wanted)
    assert secrets.matches(found, wanted)
    theirs = {**found.meta, "labels": {**found.meta["labels"], "argocd": "x"}}
    assert secrets.matches(Found({**(found.data or {}), "extra": "x"}, theirs), wanted)
    plain = secrets.build(a_tenant(), a_spec(), "acme", secrets.data_of("acme", "pw", HERE))
    assert not secrets.matches(found, plain)
    assert not secrets.matches(Found({**(found.data or {}), "password": "other"}, found.meta), wanted)
    assert not secrets.matches(Found(), wanted)


def test_a_name_that_leaves_no_room_for_the_suffix_must_be_given() -> None:
    assert secrets.name_of(a_tenant("a" * 242), a_spec()) == "a" * 242 + "-connection"
    with pytest.raises(Stopped, match=r"spec\.connectionSecret\.name.*242"):
        secrets.name_of(a_tenant("a" * 243), a_spec())


def test_nothing_of_an_answer_about_a_secret_reaches_an_exception() -> None:
    leaking = (
        '{"message": "Secret \\"x\\" is invalid: {\\"data\\":{\\"password\\":\\"czNjcmV0\\"}}", "reason": "Invalid", '
        '"details": {"causes": [{"field": "type", "message": "czNjcmV0"}]}}'
    )
    assert client._reason(leaking, withheld=True) == "Invalid (type)"
    assert "czNjcmV0" in client._reason(leaking, withheld=False)
