"""The drops as a process knows them by heart: read again when something was committed, and always
some times a second while a drop is live, because other processes write too.

    commit in this process ─┐
                            ├─► read (one query, two when claims were made) ─► standings, refusals
    every 0.25 s ───────────┘

The database is the truth and what is here is a copy with a date: a refusal made from it is given
for a second at most without having been read again. So no broker has to work for it to be right,
and a unit that comes free is known everywhere within a quarter of a second.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog

from feira.chassis.http.problems import problem_answer
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.services.flashsale.application.crowd_ports import CrowdQueries
from feira.services.flashsale.domain.drop import SOLD_OUT
from feira.services.flashsale.domain.standing import Standing, is_sold_out
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics

log = structlog.get_logger(__name__)

READ_SECONDS: Final = 0.25
READ_SECONDS_MIN: Final = 0.05
"""However much is committed, the board is not read more often."""
QUIET_SECONDS: Final = 1.0
"""Between reads while no drop is open or about to be."""
TRUSTED_SECONDS: Final = 1.0
SOON: Final = timedelta(hours=2)
ABOUT_TO_OPEN: Final = timedelta(seconds=30)
HOLDERS_A_READ_MAX: Final = 20_000
CLAIM_PATH: Final = "/flash-sales/{}/orders"


@dataclass(slots=True)
class Refusal:
    """What everybody who has no claim on a sold-out drop is answered, encoded once."""

    drop_id: int
    until: float
    """By the board's `monotonic`: later it may not be given without having been read again."""
    holders: Set[int]
    """Customers with claims: they are answered by the lane, which knows what they were told."""
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(slots=True)
class _Holders:
    seen_seq: int = 0
    customers: set[int] = field(default_factory=set)


class Board:
    """`refusals` by path, for the front; `standing_of` and `changed` for everybody else."""

    def __init__(
        self,
        queries: CrowdQueries,
        clock: Clock,
        metrics: CrowdMetrics,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._queries = queries
        self._clock = clock
        self._metrics = metrics
        self._monotonic = monotonic
        self._read_at = monotonic()
        self._standings: dict[int, Standing] = {}
        self._by_campaign: dict[int, Standing] = {}
        self._holders: dict[int, _Holders] = {}
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self.was_read = False
        """Before the first time nothing is known, not even which sales have a waiting room."""
        self.refusals: Mapping[str, Refusal] = {}
        metrics.board_age_from(lambda: monotonic() - self._read_at)

    def wake(self, _changed: Sequence[object] = ()) -> None:
        """Something was committed here: read soon."""
        self._wake.set()

    @property
    def standings(self) -> list[Standing]:
        return list(self._standings.values())

    def standing_of(self, sale_id: int) -> Standing | None:
        """A live drop by its id, or a campaign's that is open now, or else its next."""
        return self._standings.get(sale_id) or self._by_campaign.get(sale_id)

    async def changed(self) -> None:
        """Until something is known anew."""
        await self._changed.wait()

    async def run(self) -> None:
        """Read until cancelled. While the database is away nothing here is trusted for long."""
        while True:
            self._wake.clear()
            try:
                await self.read()
            except Unavailable as error:
                log.warning("board_put_off", error=str(error))
            await asyncio.sleep(READ_SECONDS_MIN)
            try:
                async with asyncio.timeout(self._pause_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def read(self) -> None:
        """Learn how all live drops stand. Raises `Unavailable`."""
        read_at, now = self._monotonic(), self._clock.now()
        standings = await self._queries.standings(now + SOON)
        sold_out = [standing for standing in standings if is_sold_out(standing)]
        cut_off = await self._learn_holders(sold_out)
        sold_out = [standing for standing in sold_out if standing.drop_id not in cut_off]
        before = self._standings
        self._standings = {standing.drop_id: standing for standing in standings}
        self._by_campaign = _by_campaign(standings)
        self._holders = {key: self._holders[key] for key in self._standings if key in self._holders}
        self.refusals = dict(self._refusals(sold_out, read_at, now))
        self._read_at, self.was_read = read_at, True
        self._metrics.standings(standings)
        if before != self._standings:
            self._changed.set()
            self._changed = asyncio.Event()

    async def _learn_holders(self, sold_out: Sequence[Standing]) -> set[int]:
        """Claims past those known; they are read after the standings, so that none is missing.

        Returns the drops that have more of them than one read takes: next time.
        """
        seen = {
            standing.drop_id: self._holders.setdefault(standing.drop_id, _Holders()).seen_seq
            for standing in sold_out
        }
        if not seen:
            return set()
        counts: Counter[int] = Counter()
        for holder in await self._queries.holders(seen, HOLDERS_A_READ_MAX):
            known = self._holders[holder.drop_id]
            known.seen_seq = holder.seq
            known.customers.add(holder.customer_id)
            counts[holder.drop_id] += 1
        return {drop_id for drop_id, count in counts.items() if count >= HOLDERS_A_READ_MAX}

    def _refusals(
        self, sold_out: Sequence[Standing], read_at: float, now: datetime
    ) -> list[tuple[str, Refusal]]:
        refusals: list[tuple[str, Refusal]] = []
        for standing in sold_out:
            until = read_at + min(
                TRUSTED_SECONDS, max(0.0, (standing.ends_at - now).total_seconds())
            )
            sale_ids = {standing.drop_id}
            if self._by_campaign.get(standing.campaign_id) == standing:
                sale_ids.add(standing.campaign_id)
            customers = self._holders[standing.drop_id].customers
            paths = map(CLAIM_PATH.format, sale_ids)
            refusals += [(p, _refusal(standing.drop_id, p, until, customers)) for p in paths]
        return refusals

    def _pause_seconds(self) -> float:
        soon = self._clock.now() + ABOUT_TO_OPEN
        is_live = any(standing.starts_at <= soon for standing in self._standings.values())
        return READ_SECONDS if is_live else QUIET_SECONDS


def _by_campaign(standings: Sequence[Standing]) -> dict[int, Standing]:
    """Each campaign's drop that is open, else the one that opens next."""
    chosen: dict[int, Standing] = {}
    for standing in sorted(standings, key=lambda one: (not one.is_open, one.starts_at)):
        chosen.setdefault(standing.campaign_id, standing)
    return chosen


def _refusal(drop_id: int, path: str, until: float, holders: Set[int]) -> Refusal:
    answer = problem_answer(SOLD_OUT, path)
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
    ]
    return Refusal(drop_id, until, holders, headers, answer.body)
