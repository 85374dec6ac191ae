"""What every kind shares: frozen camelCase models, quantities, and how a rule of the CRD stands on a field."""

import math
import re
from fractions import Fraction
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

GROUP: Final = "tenancy.neostack.io"
VERSION: Final = "v1"

BIGGEST_QUANTITY: Final = 8 * 10**18  # bytes, "8E": what fits into 64 bits is not much more
_FACTORS: Final[dict[str, int]] = (
    {"": 1}
    | {suffix: 1000**power for power, suffix in enumerate("kMGTPE", start=1)}
    | {f"{suffix}i": 1024**power for power, suffix in enumerate("KMGTPE", start=1)}
)

QUANTITY_PATTERN: Final = "^[0-9]{1,19}([.][0-9]{1,9})?(k|[MGTPE]|[KMGTPE]i|[eE][0-9]{1,2})?$"
"""Kubernetes quantities of bytes. The suffixes for parts of a byte (`m`, `u`, `n`) are left out, so is a sign."""


class ApiModel(BaseModel):
    """A part of an object as users write it. Unknown fields are ignored: a newer CRD may have more."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,  # settings are the customer's: no log repeats them
    )

    def as_json(self) -> dict[str, Any]:
        """The form that Kubernetes stores: camelCase, no nulls."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Rules for a field's `json_schema_extra`: what must hold, in CEL, and the message when it does not."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def text(pattern: str, must: str, *more: tuple[str, str], longest: int) -> Any:
    """A bounded string whose form is refused in words: the API server shows `must` instead of a bare pattern."""
    extra = rules((f"self.matches(r'{pattern}')", must), *more)
    return Field(max_length=longest, pattern=pattern, json_schema_extra=extra)


def refused(must: str) -> PydanticCustomError:
    """A ValueError whose words reach the user as they are, after the field's name."""
    return PydanticCustomError("refused", "{must}", {"must": must})


def quantity_bytes(quantity: str | int) -> int:
    """How many bytes a Kubernetes quantity stands for; a fraction of a byte counts as a whole one.

    Raises:
        ValueError: it is malformed, negative, or more than 8E.
    """
    written = str(quantity)
    found = re.fullmatch(QUANTITY_PATTERN, written)
    if found is None:
        raise refused("must be a quantity of bytes such as '500Mi', '10G' or 1073741824")
    suffix = found[2] or ""
    factor = _FACTORS[suffix] if suffix in _FACTORS else 10 ** int(suffix[1:])
    size = math.ceil(Fraction(written.removesuffix(suffix)) * factor)
    if size > BIGGEST_QUANTITY:
        raise refused("must be at most 8E")
    return size


def _well_formed(quantity: str | int) -> str | int:
    quantity_bytes(quantity)
    return quantity


def quantity_schema(field: str, size: tuple[str, str]) -> dict[str, Any]:
    """The structural schema of a quantity; `field` is what its message calls it, `size` the rule on its size."""
    form = f"type(self) == int || self.matches('{QUANTITY_PATTERN}')"
    return {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "minimum": 0,
        "maxLength": 32,
        **rules((form, f"`{field}` must be a quantity of bytes such as '500Mi', '10G' or 1073741824"), size),
    }


_COUNTABLE: Final = (
    "type(self) == int ? self <= 8000000000000000000 : "
    "!isQuantity(self) || quantity(self).compareTo(quantity('8E')) <= 0"
)

Storage = Annotated[
    int | str,
    AfterValidator(_well_formed),
    WithJsonSchema(quantity_schema("storage", (_COUNTABLE, "`storage` must be at most 8E"))),
]


def shortened(longest: int) -> BeforeValidator:
    """Cuts a string that we write to status, so that a long error never makes the API server refuse the status."""
    return BeforeValidator(lambda value: value[:longest] if isinstance(value, str) else value)


OBJECT_NAME_PATTERN: Final = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""DNS-1123 subdomain as Kubernetes checks the names of objects."""

NAME_PATTERN: Final = "^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"
NAME_FORM: Final = "must consist of letters, digits, '-', '_' and '.', and begin and end with a letter or digit"
"""Names that the platform team makes up: features, resource types."""
