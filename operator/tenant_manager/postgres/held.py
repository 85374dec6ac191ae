"""Which promises this server holds after a bootstrap. A REVOKE by a non-owner only warns, so the catalog is asked."""

from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, slots=True)
class Promise:
    """Something the documentation promises, whether this server holds it, and what to do where it does not."""

    name: str
    held: bool
    advice: str


async def promises(connection: asyncpg.Connection) -> tuple[Promise, ...]:
    """All of them, in the order in which a person wants to read them."""
    return ()
