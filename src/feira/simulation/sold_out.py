"""No false "sold out": nobody hears it while a unit was free all the time that was asked, and as
long before as a process may answer from what it has read."""

import asyncio
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from feira.audit.drops import CLAIMING
from feira.audit.evidence import Call
from feira.services.flashsale.entrypoints.board import TRUSTED_SECONDS
from feira.simulation.shop import Shop

LOOK_EVERY_SECONDS: Final = 0.25


class Look(NamedTuple):
    """A drop at one moment. While both counts are the same nobody has got a unit."""

    at: float
    is_free: bool
    claims: int
    served: int


class SoldOutWatch:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._looks: defaultdict[int, list[Look]] = defaultdict(list)
        """By campaign: each has one drop."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for drop in self._shop.tables("flashsale").drops.values():
                self._looks[drop.campaign_id].append(self._look(drop))
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def false_ones(self, history: Sequence[Call]) -> Iterator[str]:
        asked_first: dict[tuple[int, str | None], float] = {}
        for call in history:
            if not CLAIMING.fullmatch(call.request):
                continue
            since = asked_first.setdefault((call.who, call.key), call.sent_at)
            if _is_sold_out(call) and self._was_free(call, since):
                yield f"a false sold out: {call}, asked since {since:.3f} s"

    def _was_free(self, call: Call, since: float) -> bool:
        """From a look before what a memory may know of, to one after it was answered."""
        looks = self._looks[int(call.path.split("/")[2])]
        moments = [look.at for look in looks]
        first = bisect_right(moments, since - TRUSTED_SECONDS) - 1
        last = bisect_left(moments, call.answered_at or since)
        seen = looks[max(first, 0) : last + 1]
        unchanged = len({(look.claims, look.served) for look in seen}) == 1
        return first >= 0 and last < len(looks) and unchanged and all(one.is_free for one in seen)

    def _look(self, drop: Any) -> Look:
        is_free = str(drop.status) == "open" and drop.left > 0
        return Look(self._shop.loop.time(), is_free, drop.claims, drop.served)


def _is_sold_out(call: Call) -> bool:
    is_refused = call.status == 409 and call.answer["code"] == "sold_out"
    return is_refused and not call.answer.get("waiting")
