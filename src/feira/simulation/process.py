"""A process of a service: it dies at any moment, and comes again over the same database."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.memory.service_database import MemoryServiceDatabase
from feira.chassis.parts import Parts
from feira.chassis.service import Service
from feira.chassis.transports.simulated import SimulatedBroker
from feira.simulation.asgi import Answered, Request, exchange
from feira.simulation.clocks import DriftingClock
from feira.simulation.faults import Faults
from feira.simulation.identity import SimulatedVerifier
from feira.simulation.weather import Server, StoreWeather

PARTITIONS: Final = 4
RESTART_SECONDS_MAX: Final = 6.0
CONNECTION_NOTICED_SECONDS_MAX: Final = 2.0
LEASE_SECONDS: Final = 10.0

Build = Callable[[Parts], Service]


class Incarnation:
    """One life of a process."""

    def __init__(self, service: Service, member: str, weather: StoreWeather) -> None:
        self.service = service
        self.member = member
        self.weather = weather
        self.requests: dict[asyncio.Task[Answered], None] = {}
        self.task = asyncio.create_task(service.run())


class SimulatedProcess:
    """The machine that a process runs on: its clock and its connections."""

    def __init__(
        self,
        name: str,
        build: Build,
        database: MemoryDatabase[Any],
        server: Server,
        broker: SimulatedBroker,
        clock: DriftingClock,
        faults: Faults,
    ) -> None:
        self.name = name
        self.clock = clock
        self.failures: list[str] = []
        """What made it end by itself: a bug."""
        self._build = build
        self._database = database
        self._server = server
        self._broker = broker
        self._faults = faults
        self._lives = 0
        self._life: Incarnation | None = None

    @property
    def is_alive(self) -> bool:
        return self._life is not None

    @property
    def service(self) -> Service:
        assert self._life is not None, f"{self.name} is dead"
        return self._life.service

    def start(self) -> None:
        if self._life is not None:
            return
        self._lives += 1
        member = f"{self.name}-{self._lives}"
        weather = StoreWeather(self._faults, self._server, self.die)
        parts = Parts(
            MemoryServiceDatabase(self._database.seen_through(weather)),
            self._broker.transport(partitions=PARTITIONS, member=member),
            SimulatedVerifier(),
            self.clock,
            entropy=self._faults.chance.randbytes,
            monotonic=asyncio.get_running_loop().time,
        )
        self._life = Incarnation(self._build(parts), member, weather)
        self._life.task.add_done_callback(self._ended)

    def serve(self, request: Request) -> "asyncio.Task[Answered]":
        """The answer; the task is cancelled when the process dies first."""
        life = self._life
        assert life is not None, f"{self.name} is dead"
        task = asyncio.create_task(exchange(life.service.app, request))
        life.requests[task] = None
        task.add_done_callback(life.requests.pop)
        return task

    def cut_off(self) -> str | None:
        """Its broker does not hear it any more; the member's name, for when its lease runs out."""
        if self._life is None:
            return None
        self._broker.cut_off(self._life.member)
        return self._life.member

    def die(self) -> None:
        """Now, wherever it is. Others notice later; another life begins after a while."""
        life = self._life
        if life is None:
            return
        self._life = None
        life.weather.is_dead = True
        self._broker.cut_off(life.member)
        for task in [life.task, *life.requests]:
            task.cancel()
        loop, chance = asyncio.get_running_loop(), self._faults.chance
        seconds = chance.random() * CONNECTION_NOTICED_SECONDS_MAX
        loop.call_later(seconds, self._notice, life.service)
        loop.call_later(LEASE_SECONDS, self._broker.kill, life.member)
        loop.call_later(chance.random() * RESTART_SECONDS_MAX, self.start)

    def _notice(self, service: Service) -> None:
        """The database sees that the connections of a process are gone."""
        database: Any = service.parts.database
        memory = database.database
        memory.workers.discard(service.ids.worker)
        if service.outbox in memory.relays:
            memory.relays.remove(service.outbox)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        error = task.exception()
        if self._life is not None and self._life.task is task:
            self.failures.append(f"{self.name} ended by itself: {error!r}")
            self.die()
