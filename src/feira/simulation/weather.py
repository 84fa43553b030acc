"""The network between one process and its database."""

import asyncio
from collections.abc import Callable
from typing import Final

from feira.chassis.memory.weather import Fate, Weather
from feira.chassis.store import Contention
from feira.kernel.errors import Unavailable
from feira.simulation.faults import Faults

BEGIN_SECONDS_MAX: Final = 0.002
COMMIT_SECONDS_MAX: Final = 0.02
SLOW_SECONDS_MAX: Final = 0.5


class Server:
    """Whether a database server is there."""

    def __init__(self) -> None:
        self.is_down = False


class StoreWeather(Weather):
    """`die` ends the process at once, wherever it is."""

    def __init__(self, faults: Faults, server: Server, die: Callable[[], None]) -> None:
        self._faults = faults
        self._chance = faults.chance
        self._server = server
        self._die = die
        self.is_dead = False

    async def connecting(self) -> None:
        self._check()
        await asyncio.sleep(self._chance.random() * BEGIN_SECONDS_MAX)
        self._check()

    async def statement(self) -> None:
        self._check()
        faults = self._faults
        if faults.healed:
            return
        if faults.strikes("crash_at_statement"):
            await self._crash()
        if faults.strikes("store_slow"):
            await asyncio.sleep(self._chance.random() * SLOW_SECONDS_MAX)
            self._check()
        if faults.strikes("connection_lost"):
            raise Unavailable("simulated: the connection to the database is lost")
        if faults.strikes("contention"):
            raise Contention("simulated: deadlock")

    async def committing(self) -> Fate:
        self._check()
        faults = self._faults
        if faults.strikes("crash_before_commit"):
            await self._crash()
        await asyncio.sleep(self._chance.random() * COMMIT_SECONDS_MAX)
        if self._server.is_down:
            return Fate.UNHEARD if self.dies_committed() else Fate.LOST
        if faults.strikes("commit_lost"):
            return Fate.LOST
        if faults.strikes("commit_unheard"):
            return Fate.UNHEARD
        if faults.strikes("crash_after_commit"):
            self._die()
            return Fate.UNHEARD
        return Fate.DONE

    def dies_committed(self) -> bool:
        return self._chance.random() < 0.5

    def _check(self) -> None:
        if self.is_dead:
            raise Unavailable("simulated: this process is dead")
        if self._server.is_down:
            raise Unavailable("simulated: the database is down")

    async def _crash(self) -> None:
        self._die()
        await asyncio.get_running_loop().create_future()  # cancelled by the death
