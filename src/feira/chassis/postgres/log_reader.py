"""The relay's view of an outbox in the log (change data capture)."""

import asyncio
from collections.abc import Callable
from typing import Final

from feira.chassis.postgres.errors import translated
from feira.chassis.postgres.log_stream import LogStream
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.postgres.slots import make_slot, slot_name, state_of
from feira.chassis.telemetry.metrics import RelayMetrics
from feira.chassis.transports.port import Envelope
from feira.kernel.clock import Clock

WATCH_SECONDS: Final = 1.0
ANY_ROWS: Final = "SELECT EXISTS (SELECT FROM outbox)"


class PostgresLogReader:
    """Follows the log while it leads; rows of the table (what another way of relaying left behind,
    and dead letters that are sent again) go first."""

    def __init__(self, dsn: str, name: str, metrics: RelayMetrics, clock: Clock) -> None:
        self._dsn = dsn
        self._name = name
        self._metrics = metrics
        self._clock = clock
        self._table = PostgresOutboxReader(dsn, name)
        self._rows_wait = True
        self._from_table = False
        self._stream: LogStream | None = None
        self._watched_at = 0.0
        self._wake: Callable[[], None] = lambda: None

    def call_when_more(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def lead(self) -> bool:
        if not await self._table.lead():
            self._drop_stream()
            return False
        now = asyncio.get_running_loop().time()
        if self._stream is None or now - self._watched_at >= WATCH_SECONDS:
            self._watched_at = now
            await self._watch()
        return self._stream is not None

    async def unpublished(self, envelopes_max: int) -> tuple[list[int], list[Envelope], float]:
        """Row ids are those of the table's rows; of what the log says, only their number counts."""
        if self._rows_wait:
            found = await self._table.unpublished(envelopes_max)
            self._rows_wait = self._from_table = bool(found[0])
            if self._rows_wait:
                return found
        stream = self._following()
        try:
            logged = stream.waiting(envelopes_max)
        except BaseException:
            self._drop_stream()
            raise
        age_seconds = self._clock.now().timestamp() - logged[0].committed_at if logged else 0.0
        return list(range(len(logged))), [one.envelope for one in logged], max(0.0, age_seconds)

    async def delete(self, row_ids: list[int]) -> None:
        if self._from_table:
            await self._table.delete(row_ids)
        else:
            self._following().confirm(len(row_ids))

    async def known_epoch(self) -> str | None:
        return await self._table.known_epoch()

    async def remember_epoch(self, epoch: str) -> None:
        await self._table.remember_epoch(epoch)

    async def close(self) -> None:
        self._drop_stream()
        await self._table.close()

    async def _watch(self) -> None:
        """See that there is a slot and that we follow it, and how far behind we are."""
        connection = await self._table.connected()
        slot = await slot_name(connection)
        state = await state_of(connection, slot)
        if state is None or state.lost:
            self._drop_stream()
            await make_slot(connection, slot)
        elif self._stream is not None:
            self._metrics.slot(state.unconfirmed_bytes, state.kept_bytes)
            self._stream.report()
        elif state.active:
            return  # whoever led before us has not quite gone
        async with translated():
            self._rows_wait = self._rows_wait or bool(await connection.fetchval(ANY_ROWS))
        if self._stream is None:
            self._stream = await LogStream.open(self._dsn, self._name, slot, self._wake)

    def _following(self) -> LogStream:
        assert self._stream is not None, "only who leads reads"
        return self._stream

    def _drop_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
