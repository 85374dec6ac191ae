"""Plan: a cluster-wide offer, with its limits, features, price and session defaults."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from tenant_manager.api.base import NAME_FORM, NAME_PATTERN, ApiModel, quantity_bytes, quantity_schema, refused, text
from tenant_manager.api.conditions import Condition
from tenant_manager.api.limits import Limits

LONGEST_TIMEOUT: Final = 2_147_483  # seconds; PostgreSQL counts milliseconds in 32 bits
SMALLEST_WORK_MEM: Final = 64 * 1024
BIGGEST_WORK_MEM: Final = 2_147_483_647 * 1024


class PricePeriod(StrEnum):
    """The span that a price is for."""

    HOUR = "Hour"
    DAY = "Day"
    MONTH = "Month"
    YEAR = "Year"


class Price(ApiModel):
    """What the plan costs. Information for applications and people; nothing is charged by it."""

    amount: Annotated[
        str,
        text(
            "^[0-9]{1,12}([.][0-9]{1,6})?$",
            "`amount` must be a decimal number such as '49' or '49.90', in quotes",
            longest=19,
        ),
    ] = Field(description="The price of one `period` as a decimal number in quotes, for example '49.90'.")
    currency: Annotated[
        str, text("^[A-Z]{3}$", "`currency` must be three capital letters as in ISO 4217, such as 'EUR'", longest=3)
    ] = Field(description="The currency as an ISO 4217 code, for example `EUR`.")
    period: PricePeriod = Field(
        default=PricePeriod.MONTH, description="The span that `amount` is for: Hour, Day, Month (the default) or Year."
    )


def _work_mem(quantity: int | str) -> int | str:
    if not SMALLEST_WORK_MEM <= quantity_bytes(quantity) <= BIGGEST_WORK_MEM:
        raise refused("must be between 64Ki and 2147483647Ki")
    return quantity


_WORK_MEM_RANGE: Final = (
    f"type(self) == int ? self >= {SMALLEST_WORK_MEM} && self <= {BIGGEST_WORK_MEM} : !isQuantity(self) || "
    "(quantity(self).compareTo(quantity('64Ki')) >= 0 && quantity(self).compareTo(quantity('2147483647Ki')) <= 0)"
)

WorkMem = Annotated[
    int | str,
    AfterValidator(_work_mem),
    WithJsonSchema(quantity_schema("workMem", (_WORK_MEM_RANGE, "`workMem` must be between 64Ki and 2147483647Ki"))),
]
Timeout = Annotated[int, Field(ge=0, le=LONGEST_TIMEOUT)]


class Session(ApiModel):
    """What a session of a tenant's login starts with. A session may set other values for itself."""

    statement_timeout_seconds: Timeout | None = Field(
        default=None,
        description="Seconds after which a statement is cancelled. 0: never. Absent: what the server is set to.",
    )
    idle_in_transaction_session_timeout_seconds: Timeout | None = Field(
        default=None,
        description="Seconds after which a session that is idle in a transaction is ended. 0: never. "
        "Absent: what the server is set to.",
    )
    idle_session_timeout_seconds: Timeout | None = Field(
        default=None,
        description="Seconds after which a session that is idle outside a transaction is ended. 0: never. "
        "Absent: what the server is set to.",
    )
    lock_timeout_seconds: Timeout | None = Field(
        default=None,
        description="Seconds after which a statement that waits for a lock is cancelled. 0: never. "
        "Absent: what the server is set to.",
    )
    work_mem: WorkMem | None = Field(
        default=None,
        description="Memory that one sort or hash of a query may take before it goes to disk, as a quantity of bytes "
        "between 64Ki and 2147483647Ki, for example `16Mi`. Absent: what the server is set to.",
    )


class PlanSpec(ApiModel):
    """What the plan offers. An edit reaches every Tenant of the plan."""

    display_name: (
        Annotated[
            str,
            text(
                "^[^\\x00-\\x1f\\x7f]+$", "`displayName` must not hold control characters or line breaks", longest=200
            ),
        ]
        | None
    ) = Field(default=None, description="Name for people, for example in a price list. Default: the Plan's name.")
    description: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, description="What the plan is for, for people."
    )
    price: Price | None = Field(
        default=None, description="What the plan costs, for applications and people. Absent: no price is known."
    )
    features: tuple[Annotated[str, text(NAME_PATTERN, f"each feature {NAME_FORM}", longest=63)], ...] = Field(
        default=(),
        max_length=64,
        description="What tenants of this plan may use, as names that the application knows, for example `sso`. "
        "Enforced by the application, which reads it in tenancy.plans.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    limits: Limits = Field(
        default_factory=Limits, description="What each tenant of this plan may use. An absent limit is no limit."
    )
    session: Session = Field(
        default_factory=Session,
        description="What sessions of the tenants' logins start with. A session may set other values for itself.",
    )


class TenantNumbers(ApiModel):
    """How many tenants have the plan, and how far its last edit has come."""

    total: int = Field(default=0, ge=0, description="Tenants that refer to this plan.")
    current: int = Field(default=0, ge=0, description="Tenants to which the plan's present generation was applied.")
    stalled: int = Field(default=0, ge=0, description="Tenants that wait for a person.")


class PlanStatus(ApiModel):
    """What the operator observed. Numbers only: names of other namespaces are not everyone's."""

    observed_generation: int | None = Field(
        default=None, ge=-1, description="The generation of the Plan that this status speaks of."
    )
    tenants: TenantNumbers | None = Field(default=None, description="How many tenants have this plan.")
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=32,
        description="Facts about the plan: `RolledOut` is True when every tenant that can have the present generation "
        "has it.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
