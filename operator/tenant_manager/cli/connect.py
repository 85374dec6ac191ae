"""What the commands for administrators share: DATABASE_URL, the password, and how they end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO
from urllib.parse import urlsplit

import click

from tenant_manager.postgres.administrator import URL_FORM
from tenant_manager.postgres.install import Refused

EXIT_CODES: Final = "Exit codes: 0 done, 1 refused or failed (the message says why), 2 wrong arguments."

password_file = click.option(
    "--password-file", type=click.File(), help="File with the password of the login; - reads it from stdin."
)


def database_url() -> str:
    """DATABASE_URL.

    Raises:
        Refused: it is missing or no URL; none of it is repeated.
    """
    if not (url := os.environ.get("DATABASE_URL")):
        raise Refused(f"DATABASE_URL is not set; it {URL_FORM}")
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"postgresql", "postgres"} and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise Refused(f"DATABASE_URL {URL_FORM}")
    return url


def one_line(file: TextIO | None) -> str | None:
    """The password in a file.

    Raises:
        Refused: the file is empty, or holds more.
    """
    if file is None:
        return None
    try:
        lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    if len(lines) != 1 or not lines[0]:
        raise Refused(f"{file.name} must hold a password and nothing else.")
    return lines[0]


@contextmanager
def refusals() -> Iterator[None]:
    """Ends the command with exit code 1 and a sentence on stderr where something is refused."""
    try:
        yield
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)
