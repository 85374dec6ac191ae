"""What a plan grants and a tenant may lower. Each description says who enforces the limit in this version."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from tenant_manager.api.base import NAME_FORM, NAME_PATTERN, ApiModel, Storage, text

MOST_CONNECTIONS: Final = 10_000
INT32: Final = 2**31 - 1
MOST_CALLS: Final = 10**15  # far above any use, and exact in every JSON reader

_BY_APPLICATION: Final = "Enforced by the application, which reads it in tenancy.tenant_resources"


class CallPeriod(StrEnum):
    """The span in which API calls are counted."""

    HOUR = "Hour"
    DAY = "Day"
    MONTH = "Month"


class ApiCalls(ApiModel):
    """How many API calls in which span."""

    limit: int = Field(ge=0, le=MOST_CALLS, description="Number of calls allowed in one `period`. 0 allows none.")
    period: CallPeriod = Field(description="The span in which calls are counted: Hour, Day or Month.")


ResourceType = Annotated[
    str,
    text(
        NAME_PATTERN,
        f"`name` {NAME_FORM}",
        (
            "!(self in ['users', 'storage', 'apiCalls', 'api_calls', 'connections'])",
            "`name` must not be 'users', 'storage', 'apiCalls', 'api_calls' or 'connections', which are fields already",
        ),
        longest=63,
    ),
]


class AdditionalLimit(ApiModel):
    """A limit on a resource type that only the application knows."""

    name: ResourceType = Field(
        description="The resource type, for example `projects`: letters, digits, '-', '_' and '.'. "
        "It stands as resource_type in tenancy.tenant_resources.",
    )
    limit: int = Field(ge=0, le=MOST_CALLS, description="How many of them the tenant may have. 0 allows none.")


class Limits(ApiModel):
    """What a tenant may use. An absent limit is no limit; 0 allows nothing."""

    users: Annotated[int, Field(ge=0, le=INT32)] | None = Field(
        default=None,
        description=f"How many users the tenant's application may have. Absent: no limit. {_BY_APPLICATION}.",
    )
    storage: Storage | None = Field(
        default=None,
        description="How much the tenant may store, as a quantity of bytes, for example `10Gi`. Absent: no limit. "
        f"{_BY_APPLICATION}; the database does not refuse writes in this version.",
    )
    api_calls: ApiCalls | None = Field(
        default=None,
        description=f"How many API calls the tenant may make. Absent: no limit. {_BY_APPLICATION}.",
    )
    connections: Annotated[int, Field(ge=0, le=MOST_CONNECTIONS)] | None = Field(
        default=None,
        description="How many connections the tenant's login may hold at once. Absent: no limit but the server's own; "
        "0 lets nobody in. Enforced by the database.",
    )
    additional: tuple[AdditionalLimit, ...] = Field(
        default=(),
        max_length=32,
        description=f"Limits on resource types of your own, by name. {_BY_APPLICATION}.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
