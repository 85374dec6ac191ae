"""The databases that tenants live in: name -> pool, epoch, and whether this operator may write there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from tenant_manager.core.stopped import Stopped

CONNECT_TIMEOUT = 10  # seconds
CLOSE_TIMEOUT = 2
COMMAND_TIMEOUT = 70  # seconds; above the role's own statement_timeout, which gives the better message


class OperatorConnection(asyncpg.Connection):
    """A connection that is not reset on release: nothing but kernel functions runs on it, and a reset is a trip."""

    def get_reset_query(self) -> str:
        """Nothing to reset."""
        return ""


@dataclass(slots=True)
class Database:
    """One database of the operator. `problem` says why it cannot be used now; None: it can."""

    name: str
    url: str = field(repr=False)
    connections: int
    pool: asyncpg.Pool | None = None
    epoch: int = 0
    fenced: bool = False  # another operator took the lead; this one writes nothing any more
    audited: bool = False  # tenancy.changed_passwords() is there
    problem: Stopped | None = None
    measure: Callable[[str, float], None] = lambda *_: None  # told how long each kernel call took

    @asynccontextmanager
    async def connection(self, *, opening: bool = False) -> AsyncIterator[PoolConnectionProxy]:
        """A connection of the pool; `opening`: for what has to be known before others may use the database.

        Raises:
            Stopped: the database cannot be used now.
        """
        if self.pool is None or (self.problem is not None and not opening):
            raise self.problem or AssertionError("a database without a pool has a problem")
        async with self.pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            yield connection

    async def open(self) -> asyncpg.Pool:
        """Connect; all connections are opened at once and kept, so that tenants cannot take the operator's place."""
        await self.close()
        self.pool = await asyncpg.create_pool(
            self.url,
            min_size=self.connections,
            max_size=self.connections,
            max_inactive_connection_lifetime=0,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            connection_class=OperatorConnection,
            server_settings={"application_name": "tenant-manager"},
            init=_read_json,
        )
        return self.pool

    async def close(self) -> None:
        """Close all connections; what still runs after two seconds is cut, and rolled back by the server."""
        pool, self.pool = self.pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _read_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dumps, decoder=json.loads)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=float)  # Decimal, which JSON writes as a number
