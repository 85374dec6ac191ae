"""The operator."""

import sys
from typing import Final

import click
import uvloop

from tenant_manager.app import run as run_operator
from tenant_manager.kube.client import NoCluster
from tenant_manager.settings import WrongSettings, from_environment
from tenant_manager.telemetry import logs

# The API server stores `settings` nested 10,000 levels deep. One such Tenant must not stop the reading of all others.
DEEPEST_JSON: Final = 15_000


@click.command()
def run() -> None:
    """Run the operator; its settings come from the environment (see docs/reference.md)."""
    try:
        settings = from_environment()
    except WrongSettings as wrong:
        print(f"These settings cannot be used:\n{wrong}", file=sys.stderr)
        sys.exit(2)
    sys.setrecursionlimit(DEEPEST_JSON)
    logs.set_up(settings.log_format, settings.log_level)
    try:
        uvloop.run(run_operator(settings))
    except NoCluster as error:
        print(error, file=sys.stderr)
        sys.exit(1)
