"""What an event stream of a drop says, and when.

`sale` when the drop's figures have changed, and some seconds apart before it opens (the countdown);
`place` when the customer's place has; `ended` when the drop is no longer live. An event's id is
the drop and its version: who comes back with the last one (`Last-Event-ID`) is told what has
changed since. At most one round of events a second and stream.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

from feira.chassis.http.event_stream import HEARTBEAT, HEARTBEAT_SECONDS, event
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.services.flashsale.application.crowd_ports import CrowdQueries
from feira.services.flashsale.domain.standing import Standing
from feira.services.flashsale.domain.waiting_room import Ticket
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_views import place_event, standing_event

ROUND_SECONDS: Final = 1.0
COUNTDOWN_SECONDS: Final = 5.0
ASK_PLACE_SECONDS: Final = 3.0


@dataclass
class Watcher:
    """Who watches a sale: a customer and a ticket, where they are known."""

    sale_id: int
    customer_id: int | None = None
    ticket: Ticket | None = None
    last_event_id: str | None = None


class DropEvents:
    def __init__(self, board: Board, queries: CrowdQueries, clock: Clock) -> None:
        self._board = board
        self._queries = queries
        self._clock = clock

    async def of(self, watcher: Watcher) -> AsyncGenerator[bytes]:
        """Events until the drop is no longer live."""
        story = _Story(watcher, self._queries)
        spoke_at = monotonic()
        while (standing := self._board.standing_of(watcher.sale_id)) is not None:
            changed = asyncio.ensure_future(self._board.changed())
            try:
                for said in await story.news(standing, self._clock.now()):
                    spoke_at = monotonic()
                    yield said
                if monotonic() - spoke_at >= HEARTBEAT_SECONDS:
                    spoke_at = monotonic()
                    yield HEARTBEAT
                await asyncio.sleep(ROUND_SECONDS)
                if not story.counts_down:
                    await asyncio.wait([changed], timeout=ROUND_SECONDS)
            finally:
                changed.cancel()
        yield event("ended", b"{}")


class _Story:
    """What one client has been told, and so what is new to it."""

    def __init__(self, watcher: Watcher, queries: CrowdQueries) -> None:
        self._watcher = watcher
        self._queries = queries
        self._last_id = watcher.last_event_id
        self._last_place = b""
        self._counted_at = 0.0
        self._asked_at = 0.0
        self._queue_no: int | None = None
        self.counts_down = False

    async def news(self, standing: Standing, now: datetime) -> list[bytes]:
        said = []
        event_id = f"{standing.drop_id}.{standing.version}"
        self.counts_down = now < standing.starts_at
        is_due = self.counts_down and monotonic() - self._counted_at >= COUNTDOWN_SECONDS
        if event_id != self._last_id or is_due:
            self._last_id, self._counted_at = event_id, monotonic()
            said.append(event("sale", standing_event(standing, now), event_id))
        place = await self._place(standing, now)
        if place != self._last_place:
            self._last_place = place
            said.append(event("place", place))
        return said

    async def _place(self, standing: Standing, now: datetime) -> bytes:
        watcher = self._watcher
        if watcher.customer_id is None:
            return b""
        if self._queue_no is None and standing.waiting and self._may_ask():
            try:
                found = await self._queries.queue_no(standing.drop_id, watcher.customer_id)
            except Unavailable:
                return self._last_place
            self._queue_no = found
        if watcher.ticket is None and self._queue_no is None:
            return b""
        return place_event(standing, watcher.ticket, self._queue_no, now)

    def _may_ask(self) -> bool:
        if monotonic() - self._asked_at < ASK_PLACE_SECONDS:
            return False
        self._asked_at = monotonic()
        return True
