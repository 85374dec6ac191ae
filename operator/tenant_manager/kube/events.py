"""Events: one for each change, none that is refused."""

import uuid
from datetime import datetime
from typing import Any

from tenant_manager.api.base import GROUP, VERSION
from tenant_manager.core.report import Notice
from tenant_manager.kube.client import Api, Refused, Request
from tenant_manager.kube.objects import KubeObject

COMPONENT = "tenant-manager"
LONGEST_MESSAGE = 1024  # characters; what the API server takes


async def send(api: Api, thing: KubeObject, notice: Notice, now: datetime) -> None:
    """Send one Event. A refused one is dropped: in a terminating namespace nothing can be made.

    Raises:
        Unreachable: the API server did not answer.
    """
    namespace = thing.key.namespace or "default"  # where the API server wants those of cluster-scoped objects
    try:
        await api.send(Request("POST", f"/api/v1/namespaces/{namespace}/events", _event(thing, notice, now, namespace)))
    except Refused:
        return


def _event(thing: KubeObject, notice: Notice, now: datetime, namespace: str) -> dict[str, Any]:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{thing.key.name[:200]}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": thing.key.kind,
            "name": thing.key.name,
            "namespace": thing.key.namespace,
            "uid": thing.uid,
            "resourceVersion": str(thing.resource_version),
        },
        "reason": notice.reason,
        "message": notice.message[:LONGEST_MESSAGE],
        "type": "Warning" if notice.warning else "Normal",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
