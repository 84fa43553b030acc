"""A process of inventory on PostgreSQL beside others: its races, its shelf, its statements."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from feira.chassis.batch import retrying
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.chassis.postgres.errors import translated
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.postgres.unit_of_work import units_of_work
from feira.services.inventory.application.preload import preload
from tests.unit.inventory.world import (
    START,
    Told,
    decide,
)

AUDIT = """
SELECT product_id FROM stock_audit WHERE on_hand <> ledger_on_hand OR reserved <> held
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
PROBES_MAX = 500
RUN_TIMEOUT_SECONDS = 60


@dataclass
class Process:
    """A process of inventory, with what its last batches left on its shelf."""

    connection: Connection
    make_uow: Any = field(default_factory=units_of_work)
    attempts: int = 0

    @asynccontextmanager
    async def batch_of(self, *commands: Any, now: datetime = START) -> AsyncIterator[Told]:
        """A batch that is decided and flushed when the block begins, and commits when it ends."""
        self.attempts += 1
        ids = Ids(worker=1)
        outbox = Outbox("/feira/inventory", 4, ids, now)
        async with translated(), self.connection.transaction():
            uow = self.make_uow(self.connection, outbox, ids, now)
            await preload(commands, uow)
            yield await decide(commands, uow, outbox)
        uow.committed()

    async def try_once(self, *commands: Any) -> Told:
        async with self.batch_of(*commands) as told:
            return told

    async def run(self, *commands: Any) -> Told:
        """As the lane does: again, for as long as another transaction is in the way."""
        self.attempts = 0
        async with asyncio.timeout(RUN_TIMEOUT_SECONDS):
            async for attempt in retrying():
                with attempt:
                    return await self.try_once(*commands)
        raise AssertionError("retrying() does not end without an outcome")


async def until_somebody_waits(connection: Connection) -> None:
    for _ in range(PROBES_MAX):
        if await connection.fetchval(WAITING):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


async def check_audit(process: Process) -> None:
    assert await process.connection.fetch(AUDIT) == []


OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")


@contextmanager
def statements_of(connection: Connection) -> Iterator[list[str]]:
    """What is sent to the database within the block, but for the bounds of transactions, and for
    what the driver asks once about types. It does not tell of a COPY."""
    statements: list[str] = []

    def hear(record: asyncpg.connection.LoggedQuery) -> None:
        is_of_the_driver = any(words in record.query for words in OF_THE_DRIVER)
        if record.query not in ("BEGIN;", "COMMIT;") and not is_of_the_driver:
            statements.append(record.query)

    with connection.query_logger(hear):
        yield statements
