"""A service, put together: its lane with everything that feeds it and follows it.

    HTTP ─┐                        ┌─ relay ─► broker
          ├─► lane ─► database ────┤
    consumer, schedules ─┘         └─ reader ◄─ queries

`assemble` is what each service's `bootstrap.py` calls with its own parts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from feira.chassis.batch import Preload, UseCase
from feira.chassis.consumer import Consumer, Translator, Unreadable, refuse_unreadable
from feira.chassis.database import ClosableOutboxReader, ClosableStore
from feira.chassis.dead_letters import DeadLetters, redrive_topic
from feira.chassis.lane import Lane
from feira.chassis.parts import Parts
from feira.chassis.relay import Relay
from feira.chassis.sweeping import INBOX_SWEEP_SECONDS, TRIM_SECONDS, sweep_inbox, trim_broker
from feira.chassis.telemetry.logs import SERVICE
from feira.chassis.telemetry.metrics import ConsumerMetrics, LaneMetrics, RelayMetrics
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.kernel.errors import Overloaded, Unavailable
from feira.kernel.ids import ALL_WORKERS, Ids

log = structlog.get_logger(__name__)

Task = Callable[[], Awaitable[None]]
"""Something that runs as long as the service does."""

SCHEDULE_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """A command that the service gives itself, again and again."""

    command: Any
    every_seconds: float


@dataclass
class Service:
    """One service of a process."""

    name: str
    parts: Parts
    lane: Lane[Any]
    relay: Relay
    consumer: Consumer | None
    reader: Any
    """The read side of the database (`Database.reader`)."""
    store: ClosableStore
    outbox: ClosableOutboxReader
    dead_letters: DeadLetters
    ids: Ids
    tasks: list[Task] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is about to end: what goes on without an end, ends."""
    app: Any = None
    """The ASGI application; set by the service's bootstrap."""

    def started_by(self, kind: str) -> Origin:
        """The origin of what the service does by itself."""
        return Origin(correlation_id=f"{kind}-{self.ids.uuid7()}")

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            for task in self.tasks:
                group.create_task(self._as_this_service(task))

    async def _as_this_service(self, task: Task) -> None:
        """The lines it logs name the service, in a process of several."""
        SERVICE.set(self.name)
        await task()

    async def ready(self) -> None:
        """Raises `Unavailable` when the service cannot do its work."""
        await self.reader.ping()
        if self.consumer is not None and self.consumer.halted:
            raise Unavailable("the consumer has stopped: most messages fail")

    async def close(self) -> None:
        await self.store.close()
        await self.outbox.close()
        await self.reader.close()
        await self.parts.transport.close()


def assemble(  # noqa: PLR0913 - a list of parts
    name: str,
    parts: Parts,
    *,
    make_uow: Any,
    use_cases: Mapping[type, UseCase[Any]],
    listens_to: Sequence[type[Message]] = (),
    schedules: Sequence[Schedule] = (),
    preload: Preload[Any] | None = None,
    when_broker_lost: Sequence[Any] = (),
    workers: range = ALL_WORKERS,
) -> Service:
    """Wire a service.

    `make_uow` is of the `Storage` that belongs to the parts' database; `when_broker_lost` are the
    commands that say again what still matters; `workers` those it may lease for its ids.
    """
    clock, database, transport = parts.clock, parts.database, parts.transport
    ids = Ids(clock, entropy=parts.entropy, workers=workers)
    store = database.store(name, make_uow, ids=ids, clock=clock, partitions=transport.partitions)
    lane: Lane[Any] = Lane(
        name,
        store,
        {**use_cases, Unreadable: refuse_unreadable},
        ids=ids,
        metrics=LaneMetrics.for_service(name),
        limits=parts.lane_limits,
        preload=preload,
        on_commit=lambda: relay.wake(),  # noqa: PLW0108 - made below
    )

    async def on_broker_lost() -> None:
        origin = Origin(correlation_id=f"broker-lost-{ids.uuid7()}")
        for command in when_broker_lost:
            await lane.ask(command, origin=origin)

    outbox = database.outbox_reader(name)
    relay = Relay(name, outbox, transport, RelayMetrics.for_service(name), on_broker_lost)
    consumer = None
    if listens_to:
        translator = Translator(listens_to, also_topics=(redrive_topic(name),))
        consumer = Consumer(name, lane, transport, translator, ConsumerMetrics.for_service(name))
    reader = database.reader(name)
    dead_letters = database.dead_letters(name, ids, clock, reader)
    service = Service(name, parts, lane, relay, consumer, reader, store, outbox, dead_letters, ids)
    service.tasks += [
        lane.run,
        relay.run,
        lambda: sweep_inbox(database.sweep, name, INBOX_SWEEP_SECONDS),
        lambda: trim_broker(transport, name, TRIM_SECONDS),
    ]
    if consumer is not None:
        service.tasks.append(consumer.run)
    service.tasks += [_repeat(service, schedule) for schedule in schedules]
    return service


def _repeat(service: Service, schedule: Schedule) -> Task:
    async def run() -> None:
        while True:
            await asyncio.sleep(schedule.every_seconds)
            try:
                await service.lane.ask(schedule.command, origin=service.started_by("schedule"))
            except (Overloaded, Unavailable) as error:
                log.warning("schedule_put_off", service=service.name, error=str(error))
            except Exception:
                log.exception("schedule_failed", service=service.name)
                await asyncio.sleep(SCHEDULE_RETRY_SECONDS)

    return run
