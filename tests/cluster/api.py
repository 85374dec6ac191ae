"""A small client of the Kubernetes API: JSON in and out over one connection, nothing retried but a stale connection."""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import urlencode, urlsplit

from tenant_manager.api.base import GROUP
from tests.servers.controlplane import ControlPlane

Json = dict[str, Any]

OURS = f"/apis/{GROUP}/v1"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
AGENT = "tests"  # tells our requests with the operator's token from its own


class Refused(Exception):
    """An answer of 400 or above."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(status, answer)
        self.status = status
        self.answer = answer


class Api:
    """The API server, as the holder of a token. Not for two threads at once."""

    def __init__(self, server: str, ca_file: Path, token: str, timeout: float = 30.0) -> None:
        self._address = urlsplit(server)
        self._context = ssl.create_default_context(cafile=str(ca_file))
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": AGENT, "Accept": "application/json"}
        self._timeout = timeout
        self._connection = self._connect()
        self._watching: http.client.HTTPSConnection | None = None

    @classmethod
    def admin(cls, plane: ControlPlane) -> "Api":
        return cls(plane.server, plane.ca_file, plane.admin_token)

    def send(self, method: str, path: str, body: Any = None, content: str = "application/json", **query: str) -> Json:
        """The object that the API server answers with.

        Raises:
            Refused: it says no.
        """
        where = f"{path}?{urlencode(query)}" if query else path
        text = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = self._exchange(method, where, text, content)
        except (http.client.HTTPException, ConnectionError):  # it had closed the connection meanwhile
            self._connection.close()
            answer = self._exchange(method, where, text, content)
        parsed: Json = json.loads(answer)
        return parsed

    def get(self, path: str, **query: str) -> Json:
        return self.send("GET", path, **query)

    def find(self, path: str) -> Json | None:
        """None if it is not there."""
        try:
            return self.get(path)
        except Refused as refused:
            if refused.status == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def apply(self, path: str, body: Json) -> Json:
        """Server-side apply: fields that were applied before and are not named any more go away."""
        return self.send("PATCH", path, body, APPLY, fieldManager=AGENT, force="true")

    def patch(self, path: str, body: Json) -> Json:
        return self.send("PATCH", path, body, MERGE)

    def watch(self, path: str, version: str) -> Iterator[Json]:
        """Events since that version, until the API server ends the answer; on a connection of its own."""
        self._watching = connection = self._connect()
        query = urlencode({"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"})
        connection.request("GET", f"{path}?{query}", headers=self._headers)
        try:
            with connection.getresponse() as answer:
                while line := answer.readline():
                    yield json.loads(line)
        finally:
            connection.close()

    def close(self) -> None:
        """Also what another thread watches with it."""
        self._connection.close()
        if self._watching is not None and (socket := self._watching.sock) is not None:
            socket.shutdown(SHUT_RDWR)

    def _connect(self) -> http.client.HTTPSConnection:
        host, port = self._address.hostname or "", self._address.port
        return http.client.HTTPSConnection(host, port, context=self._context, timeout=self._timeout)

    def _exchange(self, method: str, where: str, text: bytes | None, content: str) -> str:
        self._connection.request(method, where, text, {**self._headers, "Content-Type": content})
        answer = self._connection.getresponse()
        read = answer.read().decode()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise Refused(answer.status, read)
        return read


def tenants(namespace: str, name: str = "") -> str:
    return _path(f"{OURS}/namespaces/{namespace}/tenants", name)


def plans(name: str = "") -> str:
    return _path(f"{OURS}/plans", name)


def secrets(namespace: str, name: str = "") -> str:
    return _path(f"/api/v1/namespaces/{namespace}/secrets", name)


def _path(collection: str, name: str) -> str:
    return f"{collection}/{name}" if name else collection
