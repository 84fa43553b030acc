"""Both stores with a service that keeps nothing, for what is the same in each."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feira.chassis.memory.database import ChassisTables, MemoryDatabase
from feira.chassis.memory.outbox_reader import MemoryOutboxReader
from feira.chassis.memory.store import MemoryStore
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.relay import OutboxReader
from feira.chassis.store import Store
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from tests.unit.chassis.jars import ORIGIN, PARTITIONS, JarFilled


class BareUnitOfWork:
    """`flush` does what a test has put into `flushing`."""

    def __init__(self, _tables: Any, outbox: Outbox, ids: Ids, now: datetime) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.flushing: Callable[[], None] = lambda: None
        self.is_committed = False

    async def flush(self) -> None:
        self.flushing()

    def committed(self) -> None:
        self.is_committed = True

    def say(self, *counts: int) -> None:
        self.outbox.speak_for([ORIGIN])
        self.outbox.tell([JarFilled(jar_id=1, sweets=count) for count in counts])

    def say_of_many(self, jar_ids: Iterable[int]) -> None:
        """A jar each, and as many sweets."""
        self.outbox.speak_for([ORIGIN])
        self.outbox.tell([JarFilled(jar_id=number, sweets=number) for number in jar_ids])


@dataclass
class Place:
    """A database, and how processes come to it."""

    new_store: Callable[[Ids], Any]
    new_reader: Callable[[], Any]
    dead_letters: Callable[[], Awaitable[Sequence[Any]]]

    def __post_init__(self) -> None:
        self._open: list[Any] = []

    def store(self, ids: Ids | None = None) -> Store[BareUnitOfWork]:
        """A new process's."""
        store: Store[BareUnitOfWork] = self.new_store(ids or Ids())
        self._open.append(store)
        return store

    def reader(self) -> OutboxReader:
        reader: OutboxReader = self.new_reader()
        self._open.append(reader)
        return reader

    async def close(self) -> None:
        for opened in self._open:
            await opened.close()


def in_memory() -> Place:
    database = MemoryDatabase(ChassisTables())

    async def dead_letters() -> Sequence[Any]:
        letters = [buried.letter for buried in database.chassis.dead_letters.values()]
        return [(a.message_id, a.topic, a.type, a.body, a.error) for a in letters]

    return Place(
        lambda ids: MemoryStore(
            database,
            "orders",
            BareUnitOfWork,
            ids=ids,
            clock=SystemClock(),
            partitions=PARTITIONS,
        ),
        lambda: MemoryOutboxReader(database),
        dead_letters,
    )


def in_postgres(dsn: str) -> Place:
    async def dead_letters() -> Sequence[Any]:
        connection = await connect(dsn, "test")
        try:
            rows = await connection.fetch(
                "SELECT message_id, topic, type, body, error FROM dead_letter ORDER BY id"
            )
            return list(map(tuple, rows))
        finally:
            await connection.close()

    return Place(
        lambda ids: PostgresStore(
            dsn, "orders", BareUnitOfWork, ids=ids, clock=SystemClock(), partitions=PARTITIONS
        ),
        lambda: PostgresOutboxReader(dsn, "orders"),
        dead_letters,
    )
