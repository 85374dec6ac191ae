"""Where the admission policy is missing the operator warns, and still takes over no Secret that is not its own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.cluster import api, health
from tests.cluster.api import Json
from tests.cluster.log import lines
from tests.cluster.place import Place
from tests.cluster.test_process import metrics
from tests.cluster.waiting import until
from tests.servers.operator import OperatorProcess

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
BINDING = f"{POLICIES}/tenant-manager-secrets"
IN_FORCE = "tenancy_admission_policy_in_force"
WARNING = "the ValidatingAdmissionPolicy tenant-manager-secrets is not in force"

# What lies under the Secret's name. None of them is the operator's for this Tenant.
FOREIGN: dict[str, Json] = {
    "opaque": {"type": "Opaque"},
    "our-type": {"type": "servicebinding.io/postgresql"},
    "of-another-tenant": {"type": "servicebinding.io/postgresql", "labels": {"tenancy.neostack.io/tenant": "another"}},
    "our-label": {"type": "Opaque", "labels": {"tenancy.neostack.io/tenant": "{identifier}"}},
}


@pytest_asyncio.fixture
async def unguarded(place: Place, operator: OperatorProcess) -> AsyncIterator[Place]:
    """The operator was started without the policy; afterwards it has it again."""
    binding = place.api.get(BINDING)
    place.api.send("DELETE", BINDING)
    await restarted_until(operator, in_force=False)
    yield place
    metadata = {key: binding["metadata"][key] for key in ("name", "labels")}
    place.api.send("POST", POLICIES, binding | {"metadata": metadata})
    await restarted_until(operator, in_force=True)


async def restarted_until(operator: OperatorProcess, *, in_force: bool) -> None:
    """It takes the API server a second to follow, and the operator asks at its start."""

    def asked() -> bool:
        operator.stop()
        operator.start()
        return metrics(operator)[IN_FORCE] == in_force

    await until(asked, seconds=30)


async def test_it_warns_and_takes_nothing_over(unguarded: Place, operator: OperatorProcess) -> None:
    assert any(line["msg"].startswith(WARNING) and line["level"] == "warning" for line in lines(operator.log))
    unguarded.plan()
    before = {}
    for name, foreign in FOREIGN.items():
        before[name] = unguarded.api.send("POST", api.secrets(unguarded.namespace), body(unguarded, name, foreign))
        unguarded.tenant(name)
    for name in FOREIGN:
        message = await unguarded.not_ready("SecretNotOwned", name)
        assert f"The Secret {name}-connection exists and is not ours" in message
        assert health.is_true(unguarded.seen(name) or {}, "Stalled")
        assert unguarded.stored_secret(name) == before[name]
        assert await unguarded.database.exists(unguarded.identifier(name)) == (False, False)
    unguarded.tenant("own")
    await unguarded.ready("own")


def body(place: Place, name: str, foreign: Json) -> Json:
    """The foreign Secret under the name that the Tenant's would have."""
    labels = {key: value.format(identifier=place.identifier(name)) for key, value in foreign.get("labels", {}).items()}
    metadata = {"name": f"{name}-connection", "labels": labels}
    return {"metadata": metadata, "type": foreign["type"], "stringData": {"password": "theirs"}}


async def test_with_the_policy_it_does_not_warn(operator: OperatorProcess) -> None:
    said = operator.log.stat().st_size
    operator.stop()
    operator.start()
    await until(lambda: metrics(operator)[IN_FORCE] == 1)
    assert not [line for line in lines(operator.log, said) if line["level"] == "warning"]
