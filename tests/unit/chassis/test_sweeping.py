"""Sweeping and trimming: a store that is away puts them off, and never ends them."""

from typing import Any, cast

import pytest

from feira.chassis.sweeping import sweep_inbox, trim_broker
from feira.chassis.transports.port import Transport
from feira.kernel.errors import Unavailable
from tests.eventually import eventually
from tests.unit.chassis.jars import running


class AwayAtFirst:
    """A database and a broker that are away for the first few times."""

    def __init__(self, times: int) -> None:
        self._left = times
        self.swept: list[str] = []

    async def sweep(self, name: str) -> None:
        if self._left:
            self._left -= 1
            raise Unavailable("away")
        self.swept.append(name)

    async def trim(self) -> None:
        await self.sweep("broker")


@pytest.mark.parametrize("what", ["jars", "broker"])
async def test_what_is_away_is_swept_once_it_is_back(what: str) -> None:
    place = AwayAtFirst(times=3)
    work = {
        "jars": lambda: sweep_inbox(place.sweep, "jars", every_seconds=0),
        "broker": lambda: trim_broker(cast("Transport", cast("Any", place)), "jars", 0),
    }

    async def swept() -> bool:
        return what in place.swept

    async with running(work[what]()):
        await eventually(swept)
