"""What whoever steals the operator's token can do to Secrets and to everything else: as little as it needs itself."""

from collections.abc import Iterator

import pytest

from tests.cluster import api
from tests.cluster.api import APPLY, JSON_PATCH, MERGE, OURS, Api, Json, Refused
from tests.cluster.audit import OPERATOR
from tests.cluster.place import Place
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE

LABEL = "tenancy.neostack.io/tenant"
TYPE = "servicebinding.io/postgresql"
BY_POLICY = "Tenant Manager may write only Secrets"
BY_RBAC = "cannot"


@pytest.fixture(scope="session")
def thief(installed: ControlPlane) -> Iterator[Api]:
    """The API with the operator's token."""
    made = Api(installed.server, installed.ca_file, installed.token(NAMESPACE, ACCOUNT))
    yield made
    made.close()


@pytest.fixture
def foreign(place: Place) -> Iterator[str]:
    """The path of a Secret of somebody else, which is the same afterwards."""
    body = {"metadata": {"name": "foreign"}, "type": "Opaque", "stringData": {"password": "theirs"}}
    before = place.api.send("POST", api.secrets(place.namespace), body)
    yield api.secrets(place.namespace, "foreign")
    assert place.api.get(api.secrets(place.namespace, "foreign")) == before


def ours(name: str, **more: Json | str) -> Json:
    """A Secret as the operator writes it."""
    metadata = {"name": name, "labels": {LABEL: "somebody"}}
    return {"apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": metadata, **more}


def refusal(thief: Api, method: str, path: str, body: object = None, content: str = "", **query: str) -> Refused:
    with pytest.raises(Refused) as refused:
        thief.send(method, path, body, content or "application/json", **query)
    return refused.value


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_a_foreign_secret_is_out_of_reach(thief: Api, foreign: str, method: str) -> None:
    said = refusal(thief, method, foreign, ours("foreign") if method == "PUT" else None)
    assert (said.status, BY_RBAC in said.answer) == (403, True)


@pytest.mark.parametrize("query", [{}, {"watch": "1"}, {"labelSelector": LABEL}])
def test_secrets_cannot_be_listed_or_watched(thief: Api, foreign: str, query: dict[str, str]) -> None:
    for path in ("/api/v1/secrets", foreign.rpartition("/")[0]):
        assert refusal(thief, "GET", path, **query).status == 403
    assert refusal(thief, "DELETE", foreign.rpartition("/")[0]).status == 403


PATCHES = {
    "nothing": ({}, MERGE),
    "our label": ({"metadata": {"labels": {LABEL: "x"}}}, MERGE),
    "our label and type": ({"type": TYPE, "metadata": {"labels": {LABEL: "x"}}}, MERGE),
    "data": ({"stringData": {"password": "mine"}}, MERGE),
    "an owner": ([{"op": "add", "path": "/metadata/ownerReferences", "value": []}], JSON_PATCH),
    "a label by JSON patch": ([{"op": "add", "path": "/metadata/labels", "value": {LABEL: "x"}}], JSON_PATCH),
}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("patch", PATCHES)
def test_a_foreign_secret_cannot_be_patched(thief: Api, foreign: str, patch: str, dry_run: bool) -> None:
    body, content = PATCHES[patch]
    said = refusal(thief, "PATCH", foreign, body, content, **({"dryRun": "All"} if dry_run else {}))
    assert said.status in {403, 422}  # 422: the type is immutable
    if "type" not in patch:
        assert BY_POLICY in said.answer


def test_a_foreign_secret_cannot_be_taken_over(thief: Api, foreign: str) -> None:
    said = refusal(thief, "PATCH", foreign, ours("foreign"), APPLY, fieldManager="tenant-manager", force="true")
    assert said.status == 422
    assert "field is immutable" in said.answer


OF_AN_ACCOUNT = {"kubernetes.io/service-account.name": "default"}
NOT_OURS: dict[str, Json] = {
    "another type": {"type": "Opaque"},
    "a service account's token": {
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "made", "labels": {LABEL: "somebody"}, "annotations": OF_AN_ACCOUNT},
    },
    "without our label": {"metadata": {"name": "made"}},
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_no_other_secret_can_be_made(thief: Api, place: Place, case: str) -> None:
    said = refusal(thief, "POST", api.secrets(place.namespace), ours("made") | NOT_OURS[case])
    assert (said.status, BY_POLICY in said.answer) == (403, True)
    assert place.api.find(api.secrets(place.namespace, "made")) is None


def test_its_own_can_be_made_checked_and_written_and_nothing_more(thief: Api, place: Place) -> None:
    path = api.secrets(place.namespace, "own")
    assert refusal(thief, "PATCH", path, {}, MERGE, dryRun="All").status == 404
    thief.send("POST", api.secrets(place.namespace), ours("own", stringData={"password": "one"}))
    checked = thief.send("PATCH", path, {}, MERGE, dryRun="All")
    assert checked["data"] == {"password": "b25l"}
    thief.send("PATCH", path, {"stringData": {"password": "two"}}, MERGE)
    for body in ({"metadata": {"labels": None}}, {"metadata": {"labels": {LABEL: None}}}):
        assert BY_POLICY in refusal(thief, "PATCH", path, body, MERGE).answer
    assert refusal(thief, "GET", path).status == 403
    assert refusal(thief, "DELETE", path).status == 403


def test_it_may_do_nothing_else(thief: Api, place: Place) -> None:
    tenant = f"{OURS}/namespaces/{place.namespace}/tenants"
    body = {"apiVersion": "tenancy.neostack.io/v1", "kind": "Tenant", "metadata": {"name": "made"}, "spec": {}}
    requests: list[tuple[str, str, Json | None]] = [
        ("POST", tenant, body),
        ("DELETE", f"{tenant}/made", None),
        ("GET", f"{tenant}/made", None),
        ("DELETE", tenant, None),
        ("POST", f"{OURS}/plans", body | {"kind": "Plan"}),
        ("DELETE", f"{OURS}/plans/any", None),
        ("PATCH", f"{OURS}/plans/any", {}),
        ("GET", "/api/v1/events", None),
        ("DELETE", f"/api/v1/namespaces/{place.namespace}", None),
        ("GET", "/api/v1/namespaces", None),
        ("GET", "/api/v1/pods", None),
        ("GET", "/api/v1/configmaps", None),
        ("GET", "/api/v1/nodes", None),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{ACCOUNT}/token", {}),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", None),
        ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", None),
        ("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/tenant-manager-secrets", None),
    ]
    for method, path, content in requests:
        kind = MERGE if method == "PATCH" else "application/json"
        assert refusal(thief, method, path, content, kind).status == 403, f"{method} {path}"


def test_the_token_is_the_operators(thief: Api) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    said = thief.send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    assert said["status"]["userInfo"]["username"] == OPERATOR
