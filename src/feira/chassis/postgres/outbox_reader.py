"""The relay's view of the outbox in SQL."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.errors import translated
from feira.chassis.postgres.fresh_envelopes import FreshEnvelopes
from feira.chassis.transports.port import Envelope

RELAY_LOCK: Final = 0x0FE2
LEAD: Final = "SELECT pg_try_advisory_lock($1)"
UNPUBLISHED: Final = """
SELECT id, envelope_id, extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_seconds
FROM outbox ORDER BY id LIMIT $1
"""
READ: Final = """
SELECT envelope_id, topic, partition, body, events FROM outbox WHERE id = ANY($1::bigint[])
"""
DELETE: Final = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
KNOWN_EPOCH: Final = "SELECT epoch FROM broker_epoch"
REMEMBER_EPOCH: Final = """
INSERT INTO broker_epoch (epoch) VALUES ($1) ON CONFLICT (single) DO UPDATE SET epoch = $1
"""


class PostgresOutboxReader:
    """`fresh` is what the store of the same process has written; without it all is read. `on_lead`
    is called when it becomes the only relay."""

    def __init__(
        self,
        dsn: str,
        name: str,
        fresh: FreshEnvelopes | None = None,
        on_lead: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        self._fresh = fresh or FreshEnvelopes()
        self._dsn = dsn
        self._name = name
        self._on_lead = on_lead
        self._connection: Connection | None = None
        self._leading = False

    def call_when_more(self, wake: Callable[[], None]) -> None:
        """It does not know."""

    async def lead(self) -> bool:
        connection = await self.connected()
        if not self._leading:
            async with translated():
                self._leading = bool(await connection.fetchval(LEAD, RELAY_LOCK))
            if self._leading and self._on_lead:
                await self._on_lead(connection)
        return self._leading

    async def unpublished(self, envelopes_max: int) -> tuple[list[int], list[Envelope], float]:
        connection = await self.connected()
        async with translated():
            rows = await connection.fetch(UNPUBLISHED, envelopes_max)
            envelopes = await self._envelopes({row[1]: row[0] for row in rows}, connection)
        return [row[0] for row in rows], envelopes, rows[0][2] if rows else 0.0

    async def _envelopes(
        self, row_ids: Mapping[UUID, int], connection: Connection
    ) -> list[Envelope]:
        """In the order of `row_ids`; nobody else deletes rows while this relay leads."""
        found = {envelope_id: self._fresh.take(envelope_id) for envelope_id in row_ids}
        unknown = [row_ids[envelope_id] for envelope_id, known in found.items() if known is None]
        if unknown:
            rows = await connection.fetch(READ, unknown)
            found |= {row[0]: Envelope(*row) for row in rows}
        return [envelope for envelope in found.values() if envelope is not None]

    async def delete(self, row_ids: list[int]) -> None:
        connection = await self.connected()
        async with translated():
            await connection.execute(DELETE, row_ids)

    async def known_epoch(self) -> str | None:
        connection = await self.connected()
        async with translated():
            epoch: str | None = await connection.fetchval(KNOWN_EPOCH)
            return epoch

    async def remember_epoch(self, epoch: str) -> None:
        connection = await self.connected()
        async with translated():
            await connection.execute(REMEMBER_EPOCH, epoch)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()

    async def connected(self) -> Connection:
        """The lock lives as long as the connection: after a break it has to be won again."""
        if self._connection is None or self._connection.is_closed():
            self._leading = False
            self._connection = await connect(self._dsn, f"feira-{self._name}-relay")
        return self._connection
