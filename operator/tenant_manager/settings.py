"""Settings from the environment: one frozen object, every wrong value reported at once, by name."""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class WrongSettings(Exception):
    """Settings that cannot be used; the message names each of them, and none of their values."""


def _postgres_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        complete = (
            parts.scheme in {"postgresql", "postgres"} and parts.hostname and parts.username and len(parts.path) > 1
        )
        known = parts.port is None or parts.port > 0
    except ValueError:
        complete = known = False
    if not (complete and known):
        raise ValueError("must be a URL such as postgresql://USER:PASSWORD@HOST:5432/DATABASE")
    elsewhere = (
        parse_qs(parts.query).keys() & {"passfile", "sslcert"} or {"PGPASSWORD", "PGPASSFILE"} & os.environ.keys()
    )
    if not parts.password and not elsewhere and not Path("~/.pgpass").expanduser().exists():
        raise ValueError("has no password; put it into the URL, or set PGPASSWORD or PGPASSFILE")
    return url


def _readable(path: Path) -> Path:
    try:
        path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return path


ReadableFile = Annotated[Path, AfterValidator(_readable)]


class Settings(BaseSettings):
    """What the operator is told from outside."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] = Field(
        description="URL of the database as `tenancy_operator`. A URL with more rights bootstraps the database first "
        "and then works as `tenancy_operator`, which is meant for development."
    )
    cluster_name: str = Field(
        pattern="^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$",
        description="Name of this Kubernetes cluster, part of who a tenant's data belongs to. It must never change.",
    )
    kubeconfig: ReadableFile | None = Field(
        default=None, description="Path of a kubeconfig. Default: the pod's service account, else ~/.kube/config."
    )
    operator_namespace: str = Field(
        default="tenancy-system", description="Namespace that the operator runs in; its policy check is made there."
    )
    database_connections: int = Field(
        default=12, ge=2, le=200, description="Connections to PostgreSQL, opened at start and kept."
    )
    tenant_host: str | None = Field(
        default=None, description="Host that tenants' Secrets name. Default: the one of DATABASE_URL."
    )
    tenant_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port that tenants' Secrets name. Default: the one of DATABASE_URL."
    )
    tenant_sslmode: SslMode | None = Field(
        default=None,
        description="sslmode that tenants' Secrets name. Default: `verify-full` with TENANT_CA_FILE, else `require`; "
        "on loopback `prefer`, which takes what the server offers.",
    )
    tenant_ca_file: ReadableFile | None = Field(
        default=None, description="File with the CA certificate that tenants check the server by; goes into `ca.crt`."
    )
    scram_iterations: int = Field(
        default=4096, ge=1, le=100_000, description="Iterations of the SCRAM verifiers. More costs CPU at each login."
    )
    workers: int = Field(default=32, ge=1, le=256, description="Objects worked on at once.")
    sweep_workers: int = Field(
        default=8, ge=1, le=255, description="How many of them at most for Plan roll-outs, scans and retries."
    )
    scan_seconds: float = Field(default=60, gt=0, le=86_400, description="Seconds between two scans for drift.")
    secret_check_seconds: float = Field(
        default=600, gt=0, le=86_400, description="Seconds after which a Tenant's Secret and login are checked again."
    )
    http_host: str = Field(default="0.0.0.0", description="Address that probes and metrics listen on.")  # noqa: S104  # the kubelet and Prometheus come from outside the pod
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of /healthz, /readyz, /health and /metrics; 0: any free one."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are written."
    )


def from_environment() -> Settings:
    """The settings of this process.

    Raises:
        WrongSettings: naming every setting that is missing or wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSettings("\n".join(_problems(error))) from None


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        text = "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {text}")
    return lines
