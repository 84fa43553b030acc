"""What runs beside the requests of a flash sale, in trouble: it is put off, and nothing is lost."""

from datetime import datetime
from typing import Any

import pytest

from feira.kernel.clock import ManualClock
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.flashsale.application.count_crowd import CountCrowd
from feira.services.flashsale.application.turn_drops import TurnDrops
from feira.services.flashsale.domain.report import CountOf, CrowdCount
from feira.services.flashsale.entrypoints import board as boards
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_counts import CrowdCounts, save_counts
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.schedule import turn_when_due
from tests.eventually import eventually
from tests.unit.chassis.jars import running
from tests.unit.flashsale.crowd_world import KnownDrops
from tests.unit.flashsale.standings import NOON, OPEN, standing


class Lane:
    """It fails as it is told to, and then does what it is asked."""

    def __init__(self, *troubles: Exception) -> None:
        self._troubles = list(troubles)
        self.done: list[Any] = []

    async def ask(self, command: Any) -> None:
        if self._troubles:
            raise self._troubles.pop(0)
        self.done.append(command)

    async def has_done(self, count: int) -> None:
        async def done() -> bool:
            return len(self.done) >= count

        await eventually(done)


async def test_a_drop_that_is_due_opens_after_the_trouble() -> None:
    """The database away, the lane full, even a bug: without the clock no sale would open again."""
    lane = Lane(Unavailable("away"), Overloaded("the lane"), ZeroDivisionError("a bug"))

    async def next_due() -> datetime | None:
        return None if lane.done else NOON

    clock = ManualClock(NOON)
    async with running(turn_when_due(next_due, lane.ask, clock, every_seconds=0.02)):
        await lane.has_done(1)
    assert lane.done == [TurnDrops()]


@pytest.mark.parametrize("trouble", [Unavailable("away"), Overloaded("the lane")])
async def test_counts_that_could_not_be_saved_are_saved_the_next_time(trouble: Exception) -> None:
    lane = Lane(trouble)
    counts = CrowdCounts(CrowdMetrics())
    for _ in range(3):
        counts.refused_from_memory(70)
    async with running(save_counts(lane.ask, counts, every_seconds=0)):
        await lane.has_done(1)
    assert lane.done == [CountCrowd((CrowdCount(70, CountOf.MEMORY_REFUSAL, "sold_out", 3),))]


async def test_the_board_is_read_again_once_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Meanwhile it keeps what it knew, and refuses nobody by it for long (`TRUSTED_SECONDS`)."""
    for pause in ("READ_SECONDS", "READ_SECONDS_MIN", "QUIET_SECONDS"):
        monkeypatch.setattr(boards, pause, 0.001)
    drops = KnownDrops([OPEN])
    board = Board(drops, ManualClock(NOON), CrowdMetrics())
    await board.read()
    drops.is_away = True

    async def knows(left: int) -> bool:
        return [one.left for one in board.standings] == [left]

    async with running(board.run()):
        drops.drops = [standing(left=40, held=60, version=2)]
        await eventually(lambda: tried(drops, times=3))
        assert await knows(left=100)
        drops.is_away = False
        await eventually(lambda: knows(left=40))


async def tried(drops: KnownDrops, times: int) -> bool:
    return drops.refused >= times
