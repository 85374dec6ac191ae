"""The operator."""

import sys

import click
import uvloop

from tenant_manager.app import run as run_operator
from tenant_manager.settings import WrongSettings, from_environment
from tenant_manager.telemetry import logs


@click.command()
def run() -> None:
    """Run the operator; its settings come from the environment (see docs/reference.md)."""
    try:
        settings = from_environment()
    except WrongSettings as wrong:
        print(f"These settings cannot be used:\n{wrong}", file=sys.stderr)
        sys.exit(2)
    logs.set_up(settings.log_format, settings.log_level)
    uvloop.run(run_operator(settings))
