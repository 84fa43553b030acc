"""The read side: queries get a connection that cannot write (STYLE, habit 14)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg

from feira.chassis.postgres.connection import Connection, ReadConnection, open_read_pool
from feira.chassis.postgres.errors import translated


class Reader:
    """Lends read-only connections from a small pool that is opened on first use."""

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn = dsn
        self._name = name
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[ReadConnection]:
        """Raises `Unavailable` when the database is away."""
        async with translated():
            if self._pool is None:
                self._pool = await open_read_pool(self._dsn, self._name)
            async with self._pool.acquire() as connection:
                yield ReadConnection(cast("Connection", connection))

    async def ping(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
