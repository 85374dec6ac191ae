"""The Secret with which an application connects: its keys, its labels, its owner, its name."""

from tests.cluster import api
from tests.cluster.api import Json
from tests.cluster.place import Place, decoded
from tests.cluster.waiting import throughout, until

OURS = "tenancy.neostack.io/tenant"


async def test_its_keys(place: Place) -> None:
    place.plan()
    place.tenant()
    there = await place.ready()
    secret, server, name = place.secret(), place.database.server, place.identifier()
    password = secret["password"]
    assert len(password) == 32
    assert secret == {
        "type": "postgresql",
        "provider": "tenant-manager",
        "host": server.host,
        "port": str(server.port),
        "database": "app",
        "dbname": "app",
        "username": name,
        "user": name,
        "password": password,
        "sslmode": "prefer",
        "uri": f"postgresql://{name}:{password}@{server.host}:{server.port}/app?sslmode=prefer",
        "jdbc-uri": f"jdbc:postgresql://{server.host}:{server.port}/app?user={name}&password={password}&sslmode=prefer",
        "pgpass": f"{server.host}:{server.port}:app:{name}:{password}\n",
    }
    assert there["status"]["binding"] == {"name": "acme-connection"}
    assert there["status"]["database"] == {
        "name": "default",
        "host": server.host,
        "port": server.port,
        "dbname": "app",
    }


async def test_its_type_and_labels(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    stored = place.stored_secret()
    assert stored["type"] == "servicebinding.io/postgresql"
    assert stored["metadata"]["labels"] == {
        OURS: place.identifier(),
        "app.kubernetes.io/name": "tenant-manager",
        "app.kubernetes.io/managed-by": "tenant-manager",
        "app.kubernetes.io/component": "connection",
    }


async def test_it_belongs_to_the_tenant_only_while_the_data_goes_with_it(place: Place) -> None:
    place.plan()
    place.tenant(deletionPolicy="Delete")
    there = await place.ready()
    owners = await until(lambda: place.stored_secret()["metadata"].get("ownerReferences"))
    assert [(owner["kind"], owner["uid"]) for owner in owners] == [("Tenant", there["metadata"]["uid"])]
    place.tenant(deletionPolicy="Retain")
    await place.ready()
    assert "ownerReferences" not in place.stored_secret()["metadata"]
    place.tenant(deletionPolicy="Delete")
    await place.ready()
    assert place.stored_secret()["metadata"]["ownerReferences"] == owners


async def test_labels_and_annotations_come_and_go(place: Place) -> None:
    place.plan()
    place.tenant(connectionSecret={"labels": {"team": "red", "old": "x"}, "annotations": {"example.com/note": "one"}})
    await place.ready()
    before = place.stored_secret()
    _label(place, {"theirs": "stays"})
    place.tenant(connectionSecret={"labels": {"team": "blue"}, "annotations": {"example.com/other": "two"}})
    await place.ready()
    after = place.stored_secret()
    assert _own(after["metadata"]["labels"]) == {"team": "blue", "theirs": "stays"}
    assert after["metadata"]["annotations"] == {"example.com/other": "two"}
    assert after["data"] == before["data"]
    place.tenant()
    await place.ready()
    assert _own(place.stored_secret()["metadata"]["labels"]) == {"theirs": "stays"}
    assert "annotations" not in place.stored_secret()["metadata"]


async def test_a_label_of_the_operators_own_wins(place: Place) -> None:
    place.plan()
    place.tenant(connectionSecret={"labels": {"app.kubernetes.io/name": "theirs"}})
    await place.ready()
    assert place.stored_secret()["metadata"]["labels"]["app.kubernetes.io/name"] == "tenant-manager"


async def test_under_a_new_name_it_keeps_the_password(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    before = place.secret()
    place.tenant(connectionSecret={"name": "other"})
    there = await place.until("acme", lambda seen: seen["status"]["binding"]["name"] == "other")
    assert place.secret_of(await place.ready()) == before
    await throughout(0.5, lambda: "PasswordReplaced" not in dict(place.events()))
    place.tenant()
    await place.ready()
    assert place.secret() == before
    assert there["status"]["identifier"] == place.identifier()


async def test_a_tenant_with_a_long_name_sets_the_secrets_name(place: Place) -> None:
    name = "a" * 243
    place.plan()
    place.tenant(name, identifier=place.identifier("long"))
    message = await place.not_ready("SecretNameTooLong", name)
    assert "`spec.connectionSecret.name` must be set" in message
    place.tenant(name, identifier=place.identifier("long"), connectionSecret={"name": "short"})
    await place.ready(name)
    assert decoded(place.api.get(api.secrets(place.namespace, "short")))["user"] == place.identifier("long")


def _label(place: Place, labels: Json) -> None:
    place.api.patch(api.secrets(place.namespace, "acme-connection"), {"metadata": {"labels": labels}})


def _own(labels: Json) -> Json:
    return {key: value for key, value in labels.items() if "app.kubernetes.io" not in key and key != OURS}
