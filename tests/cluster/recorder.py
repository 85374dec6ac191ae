"""Everything that a watch shows of Tenants, Plans, Events and Secrets, from the start of the operator to the end."""

import base64
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import NamedTuple

from tests.cluster.api import OURS, Api, Json, Refused

WATCHED = {
    "Tenant": f"{OURS}/tenants",
    "Plan": f"{OURS}/plans",
    "Event": "/api/v1/events",
    "Secret": "/api/v1/secrets",
}


class Key(NamedTuple):
    kind: str
    namespace: str
    name: str


@dataclass
class Recorder:
    """`now` holds what is there, `versions` all that was seen of an object, oldest first, one list for each UID."""

    now: dict[Key, Json] = field(default_factory=dict)
    versions: dict[tuple[Key, str], list[Json]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listed: set[str] = field(default_factory=set)
    _watches: dict[Api, threading.Thread] = field(default_factory=dict)
    _ended: bool = False

    def start(self, connect: Callable[[], Api]) -> None:
        """Watch; returns when everything was listed once."""
        for kind, path in WATCHED.items():
            api = connect()
            self._watches[api] = threading.Thread(target=self._follow, args=(api, kind, path), daemon=True)
        for thread in self._watches.values():
            thread.start()
        while self._listed != set(WATCHED):
            time.sleep(0.01)

    def stop(self) -> None:
        """No thread and no connection is left."""
        self._ended = True
        for api, thread in self._watches.items():
            api.close()
            thread.join(5.0)

    def of(self, kind: str) -> list[tuple[Key, list[Json]]]:
        """All objects of a kind that were ever there, each with its versions."""
        with self._lock:
            return [(key, list(seen)) for (key, _), seen in self.versions.items() if key.kind == kind]

    def namespaces(self, kind: str) -> set[str]:
        """Where there are objects of this kind now."""
        return {key.namespace for key in list(self.now) if key.kind == kind}

    def passwords(self) -> set[str]:
        """Every password that ever stood in a connection Secret."""
        found = set()
        for _, versions in self.of("Secret"):
            for secret in versions:
                if secret.get("type") == "servicebinding.io/postgresql" and "password" in (secret.get("data") or {}):
                    found.add(base64.b64decode(secret["data"]["password"]).decode())
        return {password for password in found if len(password) >= 20}  # what tests wrote instead is shorter

    def _follow(self, api: Api, kind: str, path: str) -> None:
        while not self._ended:
            try:
                version = self._list(api, kind, path)
                for event in api.watch(path, version):
                    if event["type"] == "ERROR":
                        break
                    self._saw(kind, event["type"], event["object"])
            except (
                OSError,
                ValueError,
                HTTPException,
                Refused,
            ):  # an outage, or new CRDs are not up yet
                time.sleep(0.1)

    def _list(self, api: Api, kind: str, path: str) -> str:
        page = api.get(path)
        there = {_key(kind, item) for item in page["items"]}
        with self._lock:
            for key in [key for key in self.now if key.kind == kind and key not in there]:
                del self.now[key]
        for item in page["items"]:
            self._saw(kind, "LISTED", item)
        self._listed.add(kind)
        return str(page["metadata"]["resourceVersion"])

    def _saw(self, kind: str, event: str, body: Json) -> None:
        if event == "BOOKMARK":
            return
        key = _key(kind, body)
        with self._lock:
            if event == "DELETED":
                self.now.pop(key, None)
                return
            seen = self.versions[key, body["metadata"]["uid"]]
            if not seen or seen[-1]["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
                seen.append(body)
            self.now[key] = body


def _key(kind: str, body: Json) -> Key:
    return Key(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])
