"""The whole shop: databases, processes, broker, provider, and the network clients come by."""

import asyncio
from functools import partial
from random import Random
from typing import Any, Final

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.transports.simulated import SimulatedBroker
from feira.chassis.transports.simulated_faults import Faults as NoFaults
from feira.simulation.asgi import Answered, Request
from feira.simulation.bank import Bank
from feira.simulation.clocks import DriftingClock
from feira.simulation.faults import DRIFT, Faults
from feira.simulation.loop import SimulatedLoop
from feira.simulation.process import SimulatedProcess
from feira.simulation.provider import SIGNATURE, SimulatedProvider, Webhooks
from feira.simulation.services import SERVICES
from feira.simulation.weather import Server

NETWORK_SECONDS_MAX: Final = 0.01
DRIFT_MAX: Final = 0.002
OFFSET_SECONDS_MAX: Final = 1.0
NOBODY_THERE: Final = Answered(503, b'{"code":"unavailable"}')
"""What the gateway says for a service whose processes are all away."""


class Shop:
    def __init__(self, loop: SimulatedLoop, seed: str, faults: Faults) -> None:
        self.loop = loop
        self.faults = faults
        self._chance = faults.chance
        self.clocks: dict[str, DriftingClock] = {}
        clock = DriftingClock(loop)
        self.broker = SimulatedBroker(
            Random(f"{seed} broker").getrandbits(64), clock, faults.broker()
        )
        self.provider_server = Server()
        self.webhooks = Webhooks(faults, self._post_webhook)
        self.bank = Bank(self.webhooks.tell)
        self.databases: dict[str, MemoryDatabase[Any]] = {}
        self.servers: dict[str, Server] = {}
        self.processes: dict[str, list[SimulatedProcess]] = {}
        for name in SERVICES:
            self._set_up(name)

    @property
    def all_processes(self) -> list[SimulatedProcess]:
        return [process for processes in self.processes.values() for process in processes]

    def tables(self, service: str) -> Any:
        return self.databases[service].tables

    def start(self) -> None:
        for process in self.all_processes:
            process.start()

    def heal(self) -> None:
        """From now on nothing goes wrong, and everything is there; clocks stay as they are."""
        self.faults.heal()
        self.broker.faults = NoFaults()
        self.broker.start()
        for server in (*self.servers.values(), self.provider_server):
            server.is_down = False
        self.start()

    async def call(self, service: str, request: Request, timeout_seconds: float) -> Answered | None:
        """The answer, or None when there was none in time."""
        await asyncio.sleep(self._chance.random() * NETWORK_SECONDS_MAX)
        if self.faults.strikes("request_lost"):
            await asyncio.sleep(timeout_seconds)
            return None
        there = [process for process in self.processes[service] if process.is_alive]
        if not there:
            return NOBODY_THERE
        if "idempotency-key" in request.headers and self.faults.strikes("request_twice"):
            _ = self._chance.choice(there).serve(request)
        answered = await self._answer(self._chance.choice(there), request, timeout_seconds)
        if answered is not None and self.faults.strikes("answer_lost"):
            await asyncio.sleep(self._chance.random() * timeout_seconds)
            return None
        return answered

    async def _answer(
        self, process: SimulatedProcess, request: Request, timeout_seconds: float
    ) -> Answered | None:
        serving = process.serve(request)
        heard = self.loop.create_future()
        timer = self.loop.call_later(timeout_seconds, _hear, heard, None)
        serving.add_done_callback(partial(_hear, heard))
        await heard
        timer.cancel()
        if not serving.done() or serving.cancelled():
            return None
        return serving.result()

    async def _post_webhook(self, body: bytes) -> bool:
        headers = {"webhook-signature": SIGNATURE, "content-type": "application/json"}
        request = Request("POST", "/webhooks/sandbox", headers, body)
        answered = await self.call("payments", request, timeout_seconds=5.0)
        return answered is not None and answered.status == 200

    def _set_up(self, name: str) -> None:
        kind = SERVICES[name]
        clock = self._clock(f"{name} database")
        database = MemoryDatabase(kind.tables(clock), clock=clock)
        self.databases[name], self.servers[name] = database, Server()
        provider = SimulatedProvider(self.bank, self.faults, self.provider_server)
        self.processes[name] = [
            SimulatedProcess(
                f"{name}-{number}",
                partial(kind.build, provider),
                database,
                self.servers[name],
                self.broker,
                self._clock(f"{name}-{number}"),
                self.faults,
            )
            for number in range(1, kind.processes + 1)
        ]

    def _clock(self, of: str) -> DriftingClock:
        rate, offset_seconds = 1.0, 0.0
        if self.faults.happens(DRIFT):
            rate += self._chance.uniform(-DRIFT_MAX, DRIFT_MAX)
            offset_seconds = self._chance.uniform(-OFFSET_SECONDS_MAX, OFFSET_SECONDS_MAX)
        self.clocks[of] = DriftingClock(self.loop, rate, offset_seconds)
        return self.clocks[of]


def _hear(heard: "asyncio.Future[None]", _task: Any) -> None:
    if not heard.done():
        heard.set_result(None)
