"""A service's PostgreSQL with a relay in front of a made-up broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.relay import Relay
from feira.chassis.settings import RelayKind
from feira.chassis.telemetry.metrics import RelayMetrics
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from tests.adapters.chassis.stores import BareUnitOfWork
from tests.eventually import eventually
from tests.unit.chassis.jars import PARTITIONS, running
from tests.unit.chassis.test_relay import Broker

SLOT = "SELECT * FROM pg_replication_slots WHERE database = current_database()"
CUT_OFF = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ANY($1)
"""
LOG_END = "SELECT pg_current_wal_insert_lsn()::text"
"""Of what was committed, though a test's server has not written it yet (`tests/postgres.py`)."""
CONFIRMED = """
SELECT confirmed_flush_lsn >= $1::text::pg_lsn FROM pg_replication_slots
WHERE database = current_database()
"""
ROWS = "SELECT FROM outbox"
DROP_SLOTS = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE database = current_database()
"""


class Relaying:
    """`commit` says numbers; `broker` hears them."""

    def __init__(self, dsn: str, kind: RelayKind) -> None:
        self.dsn = dsn
        self.broker = Broker()
        self._stores: list[Any] = []
        self.times_lost = 0
        self.use(kind)

    def use(self, kind: RelayKind) -> None:
        """From now on: as after a restart of all processes with another setting."""
        self.database = PostgresDatabase(self.dsn, relay=kind)
        self.store = self.database.store(
            "orders", BareUnitOfWork, ids=Ids(), clock=SystemClock(), partitions=PARTITIONS
        )
        self._stores.append(self.store)

    async def commit(self, *counts: int) -> None:
        """A transaction, and an envelope, a count."""
        for count in counts:
            async with self.store.begin() as transaction:
                transaction.uow.say(count)
                await transaction.save()

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[Relay]:
        """A relay that leads and has found its bearings."""
        async with self.relay(self.database.outbox_reader("orders")) as relay:

            async def knows_the_broker() -> bool:
                return bool(await self.known_epoch() == self.broker.epochs)

            await eventually(knows_the_broker)
            yield relay

    def new_relay(self, reader: Any) -> Relay:
        async def broker_lost() -> None:
            self.times_lost += 1

        broker: Any = self.broker
        return Relay("orders", reader, broker, RelayMetrics.for_service("orders"), broker_lost)

    @asynccontextmanager
    async def relay(self, reader: Any) -> AsyncIterator[Relay]:
        relay = self.new_relay(reader)
        try:
            async with running(relay.run()):
                yield relay
        finally:
            await reader.close()

    async def published(self, *counts: int) -> None:
        async def there() -> bool:
            return len(self.broker.order) >= len(counts)

        await eventually(there, what=f"{counts} are published")
        assert self.broker.order == list(counts)

    async def forgotten(self) -> None:
        """What was committed until now is with the broker, and nobody would publish it again."""
        written = (await self.fetch(LOG_END))[0][0]

        async def confirmed() -> bool:
            slot = await self.fetch(CONFIRMED, written)
            return await self.fetch(ROWS) == [] and all(row[0] for row in slot)

        await eventually(confirmed)

    async def lost(self, times: int) -> None:
        """What still matters has been said again so many times."""

        async def said() -> bool:
            return self.times_lost >= times

        await eventually(said)
        assert self.times_lost == times

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        connection = await connect(self.dsn, "test")
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def known_epoch(self) -> Any:
        """The broker's epoch as the relay last noted it."""
        found = await self.fetch("SELECT epoch FROM broker_epoch")
        return found[0][0] if found else None

    async def slot(self) -> Any:
        """The service's row of `pg_replication_slots`, or None."""
        return next(iter(await self.fetch(SLOT)), None)

    async def close(self) -> None:
        for store in self._stores:
            await store.close()

        async def gone() -> bool:
            slot = await self.slot()
            return slot is None or not slot["active"]

        await eventually(gone)
        await self.fetch(DROP_SLOTS)


async def a_moment() -> None:
    """For what must not happen: as long as several looks of an impatient relay."""
    await asyncio.sleep(0.2)
