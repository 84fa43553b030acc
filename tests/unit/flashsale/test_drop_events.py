"""What somebody who watches a drop is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from feira.kernel.clock import ManualClock
from feira.services.flashsale.domain.drop import DropStatus
from feira.services.flashsale.domain.waiting_room import Pace, Ticket
from feira.services.flashsale.entrypoints import drop_events
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.drop_events import DropEvents, Watcher
from tests.eventually import eventually
from tests.unit.flashsale.crowd_world import KnownDrops
from tests.unit.flashsale.standings import NOON, OPEN, standing


class Watched:
    """A drop that is watched; `told()` is the next event."""

    def __init__(self, **figures: Any) -> None:
        self.clock = ManualClock(NOON)
        self.drops = KnownDrops([standing(**figures)])
        self.board = Board(self.drops, self.clock, CrowdMetrics())
        self.events: AsyncIterator[bytes] | None = None

    async def by(self, **who: Any) -> "Watched":
        await self.board.read()
        events = DropEvents(self.board, self.drops, self.clock)
        self.events = events.of(Watcher(OPEN.drop_id, **who))
        return self

    async def becomes(self, **figures: Any) -> None:
        self.drops.drops = [standing(**figures)]
        await self.board.read()

    async def told(self) -> tuple[str, Any, str | None]:
        """Name, data, id."""
        assert self.events is not None
        fields = dict(
            line.split(": ", 1) for line in (await anext(self.events)).decode().splitlines() if line
        )
        return fields["event"], json.loads(fields["data"]), fields.get("id")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_events, "ROUND_SECONDS", 0.001)
    monkeypatch.setattr(drop_events, "ASK_PLACE_SECONDS", 0.0)


async def test_the_figures_are_told_and_told_again_when_they_change() -> None:
    watched = await Watched().by()
    name, sale, event_id = await watched.told()
    assert (name, sale["left"], sale["sold_out"], event_id) == ("sale", 100, False, "70.1")
    await watched.becomes(left=40, held=60, version=2)
    _, sale, event_id = await watched.told()
    assert (sale["left"], sale["held"], event_id) == (40, 60, "70.2")


async def test_who_comes_back_is_not_told_what_is_known() -> None:
    watched = await Watched().by(last_event_id="70.1")
    await watched.becomes(left=99, held=1, version=2)
    _, sale, event_id = await watched.told()
    assert (sale["left"], event_id) == (99, "70.2")


async def test_before_it_opens_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_events, "COUNTDOWN_SECONDS", 0.0)
    starts_at = NOON + timedelta(seconds=90)
    watched = await Watched(status=DropStatus.READY, starts_at=starts_at).by()
    assert (await watched.told())[1]["opens_in_seconds"] == 90
    watched.clock.advance(timedelta(seconds=30))
    assert (await watched.told())[1]["opens_in_seconds"] == 60


async def test_a_ticket_tells_the_place_in_the_waiting_room() -> None:
    ticket = Ticket(70, 5, 30, NOON + timedelta(minutes=9))
    watched = await Watched(admission=True, pace=Pace(10, 10)).by(customer_id=5, ticket=ticket)
    await watched.told()
    name, place, event_id = await watched.told()
    assert (name, place["room_place"], place["room_ahead"], event_id) == ("place", 30, 20, None)
    watched.clock.advance(timedelta(seconds=1))
    assert (await watched.told())[1]["room_ahead"] == 10
    watched.clock.advance(timedelta(seconds=1))
    assert (await watched.told())[1]["room_ahead"] == 0


async def test_a_claim_that_waits_tells_its_place_in_the_queue() -> None:
    watched = Watched(left=0, held=100, waiting=2, served=0)
    watched.drops.claims_of[-70] = [8, 5]
    await watched.by(customer_id=5)
    await watched.told()
    assert (await watched.told())[1] == {"queue_place": 2}
    await watched.becomes(left=0, held=100, waiting=1, served=1, version=2)
    assert [(await watched.told())[0], (await watched.told())[1]] == ["sale", {"queue_place": 1}]


async def test_a_place_that_cannot_be_looked_up_is_told_once_the_database_is_back() -> None:
    """The stream goes on meanwhile, with what the board knows."""
    watched = Watched(left=0, held=100, waiting=2, served=0)
    watched.drops.claims_of[-70] = [8, 5]
    await watched.by(customer_id=5)
    watched.drops.is_away = True
    assert (await watched.told())[0] == "sale"
    next_event = asyncio.create_task(watched.told())

    async def asked_in_vain() -> bool:
        return watched.drops.refused >= 3

    await eventually(asked_in_vain)
    assert not next_event.done()
    watched.drops.is_away = False
    async with asyncio.timeout(60):
        assert await next_event == ("place", {"queue_place": 2}, None)


async def test_the_end_is_told_and_ends_the_stream() -> None:
    watched = await Watched().by()
    await watched.told()
    watched.drops.drops = []
    await watched.board.read()
    assert (await watched.told())[0] == "ended"
    with pytest.raises(StopAsyncIteration):
        await watched.told()
