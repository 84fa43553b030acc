"""A made-up service for the tests of the chassis: jars of sweets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import msgspec

from feira.chassis.aggregates import Aggregates, Shelf
from feira.chassis.lane import Lane, LaneLimits
from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.memory.rows import Rows
from feira.chassis.memory.store import MemoryStore
from feira.chassis.memory.weather import Weather
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention, DeadLetter
from feira.chassis.telemetry.metrics import LaneMetrics
from feira.chassis.transports.port import Envelope
from feira.chassis.work import Answer, Origin
from feira.contracts.cloudevents import decode_batch
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
ORIGIN: Final = Origin("a-story")
PARTITIONS: Final = 4
POISON: Final = 666


class PutSweets(Message, frozen=True, kw_only=True):
    """Sweets for a jar. `POISON` of them break the use case."""

    TYPE: ClassVar[str] = "feira.jars.put_sweets.v1"
    TOPIC: ClassVar[str] = "jars.commands"
    KEY: ClassVar[str] = "jar_id"

    jar_id: int
    sweets: int = 1


class JarFilled(Message, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "feira.jars.jar_filled.v1"
    TOPIC: ClassVar[str] = "jars.events"
    KEY: ClassVar[str] = "jar_id"

    jar_id: int
    sweets: int


@dataclass(frozen=True)
class LookInto:
    """Reads a jar and changes nothing."""

    jar_id: int


@dataclass
class Jar:
    id: int
    sweets: int = 0
    version: int = 0


@dataclass
class Shelves:
    """The database."""

    jars: dict[int, Jar] = field(default_factory=dict)


class JarRows:
    def __init__(self, jars: Rows[int, Jar]) -> None:
        self._jars = jars
        self.loads: list[set[int]] = []

    async def load(self, ids: Collection[int]) -> Iterable[Jar]:
        self.loads.append(set(ids))
        return [replace(self._jars[key]) for key in ids if key in self._jars]

    async def insert(self, aggregates: Collection[Jar]) -> None:
        await self._jars.lock(jar.id for jar in aggregates)
        if any(jar.id in self._jars for jar in aggregates):
            raise Contention("it is there already")
        self._write(aggregates)

    async def update(self, aggregates: Collection[Jar]) -> int:
        await self._jars.lock(jar.id for jar in aggregates)
        current = [jar for jar in aggregates if self._version(jar) == jar.version - 1]
        self._write(current)
        return len(current)

    async def count_current(self, aggregates: Collection[Jar]) -> int:
        return sum(self._version(jar) == jar.version for jar in aggregates)

    def _version(self, jar: Jar) -> int | None:
        return self._jars[jar.id].version if jar.id in self._jars else None

    def _write(self, jars: Collection[Jar]) -> None:
        self._jars.update({jar.id: replace(jar) for jar in jars})


class JarsUnitOfWork:
    def __init__(
        self, tables: Any, outbox: Outbox, ids: Ids, now: datetime, shelf: Shelf[Jar]
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.rows = JarRows(tables.jars)
        self.jars = Aggregates(self.rows, lambda jar: jar.id, shelf)

    async def flush(self) -> None:
        await self.jars.flush()

    def committed(self) -> None:
        self.jars.committed()


async def put_sweets(commands: Sequence[PutSweets], uow: JarsUnitOfWork) -> list[int]:
    """Returns how many sweets are in the jar now, a command."""
    jars = await uow.jars.get_many(c.jar_id for c in commands)
    outcomes = []
    for command in commands:
        if command.sweets == POISON:
            raise ZeroDivisionError("poison")
        if command.jar_id not in jars:
            uow.jars.add_many([Jar(command.jar_id)])
        jar = jars[command.jar_id]
        jar.sweets += command.sweets
        outcomes.append(jar.sweets)
    uow.jars.save_many(jars[c.jar_id] for c in commands)
    uow.outbox.announce(
        [JarFilled(jar_id=command.jar_id, sweets=sweets)]
        for command, sweets in zip(commands, outcomes, strict=True)
    )
    return outcomes


async def look_into(commands: Sequence[LookInto], uow: JarsUnitOfWork) -> list[int]:
    jars = await uow.jars.get_many(c.jar_id for c in commands)
    return [jars[c.jar_id].sweets if c.jar_id in jars else 0 for c in commands]


USE_CASES: Final[dict[type, Any]] = {PutSweets: put_sweets, LookInto: look_into}


class Stopped(Weather):
    """The database does not answer until it is started again."""

    def __init__(self) -> None:
        self.started = asyncio.Event()

    async def connecting(self) -> None:
        await self.started.wait()


@dataclass
class Process:
    """One process of the service: a store and a lane, with a shelf of their own."""

    database: MemoryDatabase[Shelves] = field(default_factory=lambda: MemoryDatabase(Shelves()))
    limits: LaneLimits = field(default_factory=LaneLimits)
    on_commit: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.clock = ManualClock(START)
        self.ids = Ids(self.clock)
        self.shelf: Shelf[Jar] = Shelf()
        self.store: MemoryStore[Shelves, JarsUnitOfWork] = MemoryStore(
            self.database,
            "jars",
            self.unit_of_work,
            ids=self.ids,
            clock=self.clock,
            partitions=PARTITIONS,
        )
        self.lane: Lane[Any] = Lane(
            "jars",
            self.store,
            USE_CASES,
            ids=self.ids,
            metrics=LaneMetrics.for_service("jars"),
            limits=self.limits,
            on_commit=lambda: self.on_commit(),  # noqa: PLW0108 - set later
        )

    def unit_of_work(
        self, tables: Shelves, outbox: Outbox, ids: Ids, now: datetime
    ) -> JarsUnitOfWork:
        return JarsUnitOfWork(tables, outbox, ids, now, self.shelf)

    @property
    def sweets(self) -> dict[int, int]:
        return {jar.id: jar.sweets for jar in self.database.tables.jars.values()}

    @property
    def outbox(self) -> list[Envelope]:
        return list(self.database.chassis.outbox.values())

    def stop_database(self) -> Stopped:
        self.database.weather = stopped = Stopped()
        return stopped

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return [buried.letter for buried in self.database.chassis.dead_letters.values()]

    async def ask(self, command: Any) -> Any:
        return await self.lane.ask(command, origin=ORIGIN)

    async def submit(self, command: Any, key: Any = None) -> Answer:
        return await self.lane.submit(command, origin=ORIGIN, idempotency=key, answer_with=answered)

    async def deliver(self, *messages: PutSweets, envelope_id: Any = None) -> list[Any]:
        envelope_id = envelope_id or self.ids.uuid7()
        origins = [Origin("a-story", f"message-{at}") for at in range(len(messages))]
        bodies = [msgspec.json.encode(message) for message in messages]
        return await (await self.lane.deliver(envelope_id, messages, origins, bodies))


def answered(sweets: int) -> Answer:
    return Answer(200, str(sweets).encode())


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[None]:
    """As long as the block lasts; what it raises meanwhile is raised."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def messages_in(envelopes: Iterable[Envelope]) -> list[Any]:
    """(type, data) of all events."""
    return [
        (event.type, msgspec.json.decode(event.data))
        for envelope in envelopes
        for event in decode_batch(envelope.body)
    ]
