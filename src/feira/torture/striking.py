"""Every kind of fault strikes again and again, each by its own dice, several kinds at once."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

from feira.torture.arena import Arena
from feira.torture.eventually import eventually
from feira.torture.faults.fault import Fault, Missed

CALM_SECONDS_MAX: Final = 20.0
MISSED_SECONDS: Final = 0.7
STRIKES_NOTED_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class Noted:
    """A strike: when it began and ended, in seconds since the run began."""

    kind: str
    began_seconds: float
    ended_seconds: float
    what: str


@dataclass
class Strikes:
    """What was done to the shop."""

    started_at: float = field(default_factory=time.monotonic)
    fired: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    noted: list[Noted] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)
    at_once_max: int = 0

    def begin(self, kind: str) -> float:
        self.under_way.add(kind)
        self.at_once_max = max(self.at_once_max, len(self.under_way))
        return time.monotonic() - self.started_at

    def end(self, kind: str, began_seconds: float, what: str) -> None:
        self.fired[kind] += 1
        if len(self.noted) < STRIKES_NOTED_MAX:
            ended_seconds = time.monotonic() - self.started_at
            self.noted.append(Noted(kind, began_seconds, ended_seconds, what))


class Striking:
    """Strikes from `start` to `stop`."""

    def __init__(
        self,
        arena: Arena,
        faults: Sequence[Fault],
        seed: str,
        strikes: Strikes,
        pace: float = 1.0,
    ) -> None:
        self._arena = arena
        self._faults = faults
        self._seed = seed
        self._strikes = strikes
        self._pace = pace
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._again_and_again(fault)) for fault in self._faults]

    async def stop(self) -> None:
        """Nothing is wrong any more when it returns; raises what a strike could not do."""
        await self._arena.stands.wait()
        for task in self._tasks:
            task.cancel()
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in done:
            if isinstance(result, Exception):
                raise result

    async def until_failed(self, seconds_max: float, closing: asyncio.Event) -> None:
        """Returns early when a strike ended with an error, or when it is closing time."""
        closed = asyncio.create_task(closing.wait())
        try:
            await asyncio.wait(
                [*self._tasks, closed], timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            closed.cancel()

    @asynccontextmanager
    async def withheld(self) -> AsyncIterator[None]:
        """Nobody begins to strike meanwhile; those who have begun take their time."""
        await self._arena.stands.wait()
        self._arena.stands.clear()
        try:
            yield
        finally:
            self._arena.stands.set()

    async def _again_and_again(self, fault: Fault) -> None:
        dice = Random(f"{self._seed}/{fault.name}")
        # the first time soon: in a short run, too, each kind has its turn
        least, most = (seconds / self._pace for seconds in fault.every_seconds)
        await asyncio.sleep(dice.uniform(0, most))
        while True:
            await self._arena.stands.wait()
            strike = self._alone if fault.stands_alone else self._strike
            is_hit = await strike(fault, dice)
            await asyncio.sleep(dice.uniform(least, most) if is_hit else MISSED_SECONDS)

    async def _alone(self, fault: Fault, dice: Random) -> bool:
        async with self.withheld():
            with suppress(AssertionError):
                await eventually(self._is_calm, CALM_SECONDS_MAX)
            # not to be interrupted by the end of the round: a shop that is half open is no shop
            return await asyncio.shield(self._strike(fault, dice))

    async def _is_calm(self) -> bool:
        return not self._strikes.under_way

    async def _strike(self, fault: Fault, dice: Random) -> bool:
        """Whether it has hit something."""
        began = self._strikes.begin(fault.name)
        try:
            what = await fault.strike(self._arena, dice)
        except Missed:
            self._strikes.missed[fault.name] += 1
            return False
        else:
            self._strikes.end(fault.name, began, what)
            return True
        finally:
            self._strikes.under_way.discard(fault.name)
