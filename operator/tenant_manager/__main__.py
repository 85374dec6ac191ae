"""The command `tenant-manager`."""

import importlib
from typing import Final

import click

from tenant_manager import __version__

COMMANDS: Final = ("bootstrap", "purge", "rebind", "release", "retained", "run")


class Lazy(click.Group):
    """Imports a command when it is asked for: the operator's modules take a second and a half."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f"tenant_manager.cli.{cmd_name}"), cmd_name)
        return found


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Tenant Manager: Tenant and Plan objects become PostgreSQL schemas, logins and credentials."""


if __name__ == "__main__":
    main()
