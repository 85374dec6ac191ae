"""The names that the commands take as arguments, checked before anybody connects."""

import re
from typing import Any, Final

import click

from tenant_manager.api.base import OBJECT_NAME_PATTERN
from tenant_manager.api.identifiers import IDENTIFIER_PATTERN, LONGEST_IDENTIFIER

LONGEST_NAMESPACE: Final = 63
LONGEST_NAME: Final = 253


class Identifier(click.ParamType[str]):
    """A tenant's name inside PostgreSQL."""

    name = "identifier"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it can be one."""
        if len(value) > LONGEST_IDENTIFIER or re.fullmatch(IDENTIFIER_PATTERN, value) is None:
            self.fail(f"{value!r} is no identifier, such as tenant_acme.", param, ctx)
        return str(value)


class TenantName(click.ParamType[tuple[str, str]]):
    """A Tenant, by namespace and name."""

    name = "namespace/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Both parts."""
        namespace, _, name = str(value).partition("/")
        of_namespace = len(namespace) <= LONGEST_NAMESPACE and "." not in namespace and _is_name(namespace)
        if not (of_namespace and len(name) <= LONGEST_NAME and _is_name(name)):
            self.fail(f"{value!r} must be the namespace and the name of a Tenant, such as team-a/acme.", param, ctx)
        return namespace, name


class Cluster(click.ParamType[str]):
    """What an operator has as CLUSTER_NAME."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it can be one."""
        if not value or not value.isprintable():
            self.fail(f"{value!r} is no name of a cluster.", param, ctx)
        return str(value)


def _is_name(text: str) -> bool:
    return re.fullmatch(OBJECT_NAME_PATTERN, text) is not None
