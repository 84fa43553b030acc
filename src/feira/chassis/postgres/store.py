"""The lane's transactions in PostgreSQL, over one connection of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Generic
from uuid import UUID

import asyncpg

from feira.chassis.batch import U
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.errors import translated
from feira.chassis.postgres.fresh_envelopes import FreshEnvelopes
from feira.chassis.postgres.inbox import COMMITTED, PostgresInbox
from feira.chassis.store import CommitUnknown
from feira.chassis.transports.port import Envelope
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import Ids

WORKER_LOCK_SPACE: Final = 0x0FE1
TRY_WORKER: Final = "SELECT pg_try_advisory_lock($1, $2)"
SAVE_OUTBOX: Final = """
INSERT INTO outbox (envelope_id, topic, partition, body, events)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::bytea[], $5::smallint[])
"""

MakeUnitOfWork = Callable[[Connection, Outbox, Ids, datetime], U]


SaveOutbox = Callable[[Connection, Sequence[Envelope]], Awaitable[None]]


def insert_into_table(fresh: FreshEnvelopes) -> SaveOutbox:
    """Saves envelopes in the table that the polling relay reads, and tells it what they are."""

    async def insert(connection: Connection, envelopes: Sequence[Envelope]) -> None:
        await connection.execute(
            SAVE_OUTBOX,
            [envelope.id for envelope in envelopes],
            [envelope.topic for envelope in envelopes],
            [envelope.partition for envelope in envelopes],
            [envelope.body for envelope in envelopes],
            [envelope.events for envelope in envelopes],
        )
        fresh.keep(envelopes)

    return insert


class PostgresTransaction(Generic[U]):
    def __init__(self, connection: Connection, uow: U, save_outbox: SaveOutbox) -> None:
        self._connection = connection
        self._uow = uow
        self._save_outbox = save_outbox
        self._inbox = PostgresInbox(connection)

    @property
    def uow(self) -> U:
        return self._uow

    @property
    def inbox(self) -> PostgresInbox:
        return self._inbox

    async def save(self) -> None:
        await self._uow.flush()
        envelopes = self._uow.outbox.envelopes()
        if envelopes:
            await self._save_outbox(self._connection, envelopes)


class PostgresStore(Generic[U]):
    """One writer: it also leases the worker number that keeps ids of several processes apart."""

    def __init__(
        self,
        dsn: str,
        name: str,
        make_uow: MakeUnitOfWork[U],
        *,
        ids: Ids,
        clock: Clock,
        partitions: int,
        single_event_topics: Collection[str] = (),
        save_outbox: SaveOutbox | None = None,
    ) -> None:
        self._dsn = dsn
        self._name = name
        self._make_uow = make_uow
        self._ids = ids
        self._clock = clock
        self._partitions = partitions
        self._single_event_topics = single_event_topics
        self._save_outbox = save_outbox or insert_into_table(FreshEnvelopes())
        self._connection: Connection | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction[U]]:
        connection = await self._connected()
        transaction = connection.transaction()
        try:
            async with translated():
                await transaction.start()
        except BaseException:
            self._give_up_connection()
            raise
        uow = self._unit_of_work(connection)
        try:
            async with translated():
                yield PostgresTransaction(connection, uow, self._save_outbox)
        except BaseException:
            await self._roll_back(transaction)
            raise
        try:
            async with translated():
                await transaction.commit()
        except Unavailable as error:
            raise CommitUnknown(str(error)) from error
        uow.committed()

    async def committed(self, marker: UUID) -> bool:
        connection = await self._connected()
        async with translated():
            return bool(await connection.fetchval(COMMITTED, marker))

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()

    def _unit_of_work(self, connection: Connection) -> U:
        now = self._clock.now()
        outbox = Outbox(
            f"/feira/{self._name}", self._partitions, self._ids, now, self._single_event_topics
        )
        return self._make_uow(connection, outbox, self._ids, now)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, f"feira-{self._name}-lane")
            await self._lease_worker(self._connection)
        return self._connection

    async def _lease_worker(self, connection: Connection) -> None:
        workers = self._ids.workers
        first = workers.index(self._ids.worker)
        for worker in (*workers[first:], *workers[:first]):
            async with translated():
                if await connection.fetchval(TRY_WORKER, WORKER_LOCK_SPACE, worker):
                    self._ids.worker = worker
                    return
        connection.terminate()
        raise Unavailable(f"all {len(workers)} workers of {self._name} are taken")

    async def _roll_back(self, transaction: "asyncpg.transaction.Transaction") -> None:
        """Also when cancelled or cut off: a connection that cannot roll back is given up."""
        try:
            await transaction.rollback()
        except Exception:  # noqa: BLE001 - whatever it was, the connection is of no more use
            self._give_up_connection()

    def _give_up_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
