"""Tenant: one customer of the platform, with its own schema and login in PostgreSQL."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, field_validator

from tenant_manager.api.base import (
    GROUP,
    NAME_FORM,
    OBJECT_NAME_PATTERN,
    ApiModel,
    Storage,
    refused,
    rules,
    shortened,
    text,
)
from tenant_manager.api.conditions import Condition
from tenant_manager.api.identifiers import Identifier
from tenant_manager.api.limits import Limits

LONGEST_DEFAULT_NAME: Final = 43  # characters; `tenant_` and a name of this length make the longest identifier
DEFAULT_NAME_PATTERN: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"


DEEPEST_SETTINGS: Final = 64  # levels


def default_identifier(name: str) -> str | None:
    """The identifier of a Tenant that sets none; `None` for a name that has no default and must set one."""
    if len(name) > LONGEST_DEFAULT_NAME or re.fullmatch(DEFAULT_NAME_PATTERN, name) is None:
        return None
    return "tenant_" + name.replace("-", "_")


class Isolation(StrEnum):
    """Where a tenant's tables live."""

    SCHEMA = "Schema"
    SHARED = "Shared"


class Access(StrEnum):
    """Whether a tenant's login is open."""

    FULL = "Full"
    SUSPENDED = "Suspended"


class DeletionPolicy(StrEnum):
    """What happens to a tenant's data when its Tenant is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class PlanRef(ApiModel):
    """The plan of a tenant."""

    name: Annotated[
        str, text(OBJECT_NAME_PATTERN, "`name` must be the name of a Plan, such as 'gold'", longest=253)
    ] = Field(description="Name of the Plan. It may be applied later than the Tenant, which waits for it.")


def _keys(field: str) -> dict[str, Any]:
    return rules(
        (
            "self.all(key, !format.qualifiedName().validate(key).hasValue())",
            f"each key of `{field}` must be a name such as 'team' or 'example.com/team'",
        ),
        (
            f"self.all(key, !key.startsWith('{GROUP}/'))",
            f"no key of `{field}` may begin with '{GROUP}/', which belongs to the operator",
        ),
    )


LabelValue = Annotated[
    str,
    text(
        "^(([A-Za-z0-9][-_.A-Za-z0-9]*)?[A-Za-z0-9])?$",
        f"each label {NAME_FORM}, or be empty",
        longest=63,
    ),
]
AnnotationValue = Annotated[str, Field(max_length=4096)]


class ConnectionSecret(ApiModel):
    """The Secret with which an application connects."""

    name: (
        Annotated[str, text(OBJECT_NAME_PATTERN, "`name` must be a name that a Secret can have", longest=253)] | None
    ) = Field(
        default=None,
        description="Name of the Secret. Default: the Tenant's name and `-connection`, which fits for Tenants whose "
        "name has at most 242 characters. A Secret of that name that is not ours is never taken over.",
    )
    labels: dict[str, LabelValue] = Field(
        default_factory=dict,
        max_length=32,
        description="Labels that the Secret gets beside the operator's own, which win.",
        json_schema_extra=_keys("labels"),
    )
    annotations: dict[str, AnnotationValue] = Field(
        default_factory=dict,
        max_length=32,
        description="Annotations that the Secret gets.",
        json_schema_extra=_keys("annotations"),
    )


class TenantSpec(ApiModel):
    """What the tenant should be."""

    identifier: Identifier | None = Field(
        default=None,
        description="The tenant's one name inside PostgreSQL: its schema and its login are called so. Unique in the "
        "database, over all namespaces. Default: `tenant_` and the Tenant's name with '-' as '_', for names of at most "
        "43 characters without dots; others must set it. It cannot change once status.identifier is set.",
    )
    display_name: (
        Annotated[
            str,
            text(
                "^[^\\x00-\\x1f\\x7f]+$", "`displayName` must not hold control characters or line breaks", longest=200
            ),
        ]
        | None
    ) = Field(default=None, description="Name for people, stored as tenancy.tenants.name. Default: the Tenant's name.")
    domain: (
        Annotated[
            str,
            text(
                "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[.])+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
                "`domain` must be a lower-case DNS name of at least two parts, such as 'acme.example.com'",
                longest=253,
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="The tenant's domain, stored as tenancy.tenants.domain for the application. Unique in the "
        "database; the first Tenant keeps it. Absent: none.",
    )
    plan_ref: PlanRef = Field(description="The plan that grants limits, features and session defaults.")
    isolation: Isolation = Field(
        default=Isolation.SCHEMA,
        description="Where the tenant's tables live. `Schema` (the default): in a schema of its own. `Shared`: in "
        "shared tables behind row-level security, which does not work yet and is refused.",
        json_schema_extra=rules(("self != 'Shared'", "`isolation` must be 'Schema': 'Shared' does not work yet")),
    )
    access: Access = Field(
        default=Access.FULL,
        description="`Full` (the default): the login is open. `Suspended`: it is closed and its sessions are ended; "
        "data and password stay.",
    )
    limits: Limits | None = Field(
        default=None,
        description="Limits of this tenant alone. They may lower what the plan grants, never raise it: the lower of "
        "the two is in force and stands in status.limits. Absent: what the plan grants.",
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        max_length=64,
        description="Free JSON for the application, stored as tenancy.tenants.settings. At most 64 keys "
        "and 16 KiB, nested at most 64 levels deep.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description="What deleting this Tenant does to its data. `Retain` (the default): the login is closed and "
        "everything is kept; applying the Tenant again in this namespace gives it back. `Delete`: schema and login "
        "are dropped for good.",
    )
    connection_secret: ConnectionSecret | None = Field(
        default=None, description="The Secret, beside this Tenant, with which its application connects."
    )

    @field_validator("settings")
    @classmethod
    def _storable(cls, settings: dict[str, Any]) -> dict[str, Any]:
        level: list[Any] = [settings]
        for _ in range(DEEPEST_SETTINGS):
            if any(isinstance(value, str) and "\0" in value for value in level):
                raise refused("must not hold the character U+0000, which PostgreSQL cannot store")
            level = [inner for value in level for inner in _inside(value)]
        if level:
            raise refused(f"must not be nested more than {DEEPEST_SETTINGS} levels deep")
        return settings


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    return value if isinstance(value, list) else ()


class AppliedPlan(ApiModel):
    """The plan that is in force."""

    name: str = Field(max_length=253, description="Name of the Plan that was applied last.")
    generation: int = Field(ge=0, description="The generation of that Plan that was applied last.")


class DatabaseStatus(ApiModel):
    """Where the tenant's data is."""

    name: str = Field(max_length=63, description="Name that the operator gives this database, `default` for the first.")
    host: str = Field(max_length=255, description="Host under which applications reach it.")
    port: int = Field(ge=1, le=65535, description="Port under which applications reach it.")
    dbname: str = Field(max_length=63, description="Name of the database inside PostgreSQL.")


class Binding(ApiModel):
    """The connection Secret, as servicebinding.io finds it."""

    name: str = Field(max_length=253, description="Name of the Secret in the Tenant's namespace.")


class AdditionalUsage(ApiModel):
    """Use of a resource type that only the application knows."""

    name: str = Field(min_length=1, max_length=63, description="The resource type, as in spec.limits.additional.")
    used: int = Field(ge=0, description="How many of them the tenant has.")


class Usage(ApiModel):
    """What the tenant uses, in coarse steps. What is not measured is absent."""

    users: int | None = Field(default=None, ge=0, description="Users of the tenant's application.")
    storage: Storage | None = Field(default=None, description="Bytes stored, as a quantity.")
    api_calls: int | None = Field(default=None, ge=0, description="API calls in the present period.")
    connections: int | None = Field(default=None, ge=0, description="Connections that the tenant's login holds.")
    additional: tuple[AdditionalUsage, ...] = Field(
        default=(),
        max_length=32,
        description="Use of resource types of your own, by name.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )


class TenantStatus(ApiModel):
    """What the operator observed and did."""

    observed_generation: int = Field(
        default=-1, ge=-1, description="The generation of the Tenant that this status speaks of; -1: not looked at yet."
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=32,
        description="Facts about the tenant. `Ready`: the login in the connection Secret works, or is suspended as "
        "asked. `Reconciling`: work or a retry is pending. `Stalled`: a person must act.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    identifier: str | None = Field(
        default=None, min_length=1, max_length=50, description="The schema and the login, once they are the tenant's."
    )
    database: DatabaseStatus | None = Field(default=None, description="Where the tenant's data is.")
    binding: Binding | None = Field(default=None, description="The connection Secret, as servicebinding.io finds it.")
    plan: AppliedPlan | None = Field(
        default=None,
        description="The plan that was applied last: an edit of the Plan does not raise the Tenant's own generation.",
    )
    limits: Limits | None = Field(
        default=None, description="The limits in force: the plan's, lowered by the Tenant's own."
    )
    usage: Usage | None = Field(
        default=None, description="What the tenant uses, in coarse steps. Absent: not measured in this version."
    )
    last_handled_reconcile_at: Annotated[str, shortened(256)] | None = Field(
        default=None,
        max_length=256,
        description=f"The value of the annotation {GROUP}/reconcile-requested-at that was followed last.",
    )
