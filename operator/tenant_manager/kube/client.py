"""The Kubernetes API: requests with JSON in and out. The only place where an HTTP status becomes a fact."""

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration  # never CoreV1Api: importing it costs 104 MB

from tenant_manager.api.base import GROUP, VERSION

MERGE_PATCH: Final = "application/merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
FIELD_MANAGER: Final = "tenant-manager"
TIMEOUT: Final = 15  # seconds
PAGE: Final = 500  # objects of one list request
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

BY_RBAC: Final = "forbidden by RBAC"
_BY_RBAC: Final = " cannot patch resource "  # RBAC's own words, which name no value

API: Final = f"/apis/{GROUP}/{VERSION}"


class Refused(Exception):
    """The API server answered with an error. The message holds the server's words, but for Secrets: see `withheld`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return f"{self.status} {self.message}"


class NoCluster(Exception):
    """There is neither a service account nor a usable kubeconfig."""


class Unreachable(Exception):
    """The API server did not answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API server. `withheld`: nothing of the answer may reach an exception or a log.

    That is so for Secrets: the API server's errors about a malformed PATCH quote the whole object.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Sequence[tuple[str, str]] = ()
    content_type: str = "application/json"
    withheld: bool = False


class Listing(NamedTuple):
    """All objects of a kind, as they were at one version of the cluster."""

    items: list[dict[str, Any]]
    resource_version: int


class Api:
    """A connection to the API server, shared by all who write or list."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def send(self, request: Request) -> dict[str, Any]:
        """Send one request; the object that the API server answers with.

        Raises:
            Refused: an answer of 400 or above.
            Unreachable: no answer.
        """
        try:
            status, text = await self._exchange(request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"the API server does not answer: {type(error).__name__}") from None
        if status >= 400:  # noqa: PLR2004  # where HTTP's errors begin
            raise Refused(status, _reason(text, request.withheld))
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def list(self, path: str) -> Listing:
        """All objects of a kind, page by page.

        Raises:
            Refused, Unreachable: as `send`.
        """
        found: list[dict[str, Any]] = []
        more = ""
        while True:
            query = [("limit", str(PAGE)), *([("continue", more)] if more else [])]
            page = await self.send(Request("GET", path, query=query))
            found += page["items"]
            more = page["metadata"].get("continue", "")
            if not more:
                return Listing(found, int(page["metadata"]["resourceVersion"]))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _exchange(self, request: Request) -> tuple[int, str]:
        prepared = await self._client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query),
            header_params={"Accept": "application/json", "Content-Type": request.content_type},
            body=request.body,
            auth_settings=["BearerToken"],
        )
        response = await self._client.call_api(*prepared, _request_timeout=TIMEOUT)
        return response.status, (await response.read()).decode()  # type: ignore[no-untyped-call]


def _reason(text: str, withheld: bool) -> str:
    try:
        answer = json.loads(text)
    except ValueError:
        return "no reason given"
    if withheld:
        return _reason_alone(answer)
    return str(answer.get("message", answer.get("reason", "no reason given")))


def _reason_alone(answer: dict[str, Any]) -> str:
    """The error's one word and the fields it is about: never their values, never the message."""
    if _BY_RBAC in str(answer.get("message", "")):
        return BY_RBAC
    causes = [cause.get("field", "") for cause in (answer.get("details") or {}).get("causes", [])]
    word = str(answer.get("reason", "no reason given"))
    return f"{word} ({', '.join(field for field in causes if field)})" if any(causes) else word


async def configuration(kubeconfig: Path | None, connections: int) -> Configuration:
    """Where the API server is and who we are: in the cluster, or from a kubeconfig.

    Raises:
        NoCluster: neither is there, or the kubeconfig is malformed.
    """
    # Not from the environment: it costs two threads' work a request, and a ~/.netrc would clash with the token.
    found = Configuration(connection_pool_maxsize=connections, client_session_kwargs={"trust_env": False})
    try:
        if kubeconfig is None and SERVICE_ACCOUNT.exists():
            config.load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        else:
            path = None if kubeconfig is None else str(kubeconfig)
            await config.load_kube_config(path, client_configuration=found, persist_config=False)  # type: ignore[no-untyped-call]
    except Exception as error:  # the loader raises whatever its YAML parser or plugin does
        raise NoCluster(f"There is no way to the API server: {error}") from None
    return found


def connect(found: Configuration) -> Api:
    """A client of its own for this configuration; close it."""
    client = ApiClient(found)
    client.user_agent = FIELD_MANAGER
    return Api(client)


async def bearer(found: Configuration) -> str | None:
    """The Authorization header of the moment; a projected token is read again when it is due."""
    key: str | None = await found.get_api_key_with_prefix("BearerToken")
    return key


def tls(found: Configuration) -> ssl.SSLContext:
    """How to trust the API server, for those who connect by themselves."""
    context = ssl.create_default_context(cafile=found.ssl_ca_cert, cadata=found.ca_cert_data)
    if found.cert_file:
        context.load_cert_chain(found.cert_file, keyfile=found.key_file)
    if not found.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
