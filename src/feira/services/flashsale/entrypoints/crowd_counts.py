"""What a process counts of the crowd between two savings, by drop; bounded by drops and codes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from feira.kernel.errors import FeiraError
from feira.services.flashsale.application.count_crowd import CountCrowd
from feira.services.flashsale.domain.report import CountOf, CrowdCount, bound_of
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics

log = structlog.get_logger(__name__)

KEYS_MAX: Final = 10_000
CODE_LENGTH_MAX: Final = 64

Key = tuple[int, CountOf, str]
Ask = Callable[[Any], Awaitable[Any]]
"""Has the lane do a command."""


class CrowdCounts:
    def __init__(self, metrics: CrowdMetrics) -> None:
        self._metrics = metrics
        self._counted: Counter[Key] = Counter()
        self._from_memory: Counter[int] = Counter()
        self._keys_max = KEYS_MAX

    def refused_from_memory(self, drop_id: int) -> None:
        """The hot one: an addition."""
        self._from_memory[drop_id] += 1

    def refused(self, drop_id: int, code: str) -> None:
        self._add((drop_id, CountOf.REFUSAL, code[:CODE_LENGTH_MAX]))
        self._metrics.refused(code)

    def answered(self, drop_id: int, seconds: float) -> None:
        """A claim was answered by the lane."""
        self._add((drop_id, CountOf.ANSWER_MS, str(bound_of(seconds * 1000))))

    def take(self) -> tuple[CrowdCount, ...]:
        """What has been counted since the last time."""
        counted, self._counted = self._counted, Counter()
        from_memory, self._from_memory = self._from_memory, Counter()
        for drop_id, count in from_memory.items():
            counted[drop_id, CountOf.MEMORY_REFUSAL, "sold_out"] += count
            self._metrics.refused_from_memory(count)
        return tuple(CrowdCount(*key, count) for key, count in counted.items())

    def put_back(self, counts: tuple[CrowdCount, ...]) -> None:
        """They could not be saved: next time."""
        for count in counts:
            self._counted[count.drop_id, count.kind, count.name] += count.count

    def _add(self, key: Key) -> None:
        if key in self._counted or len(self._counted) < self._keys_max:
            self._counted[key] += 1


async def save_counts(ask: Ask, counts: CrowdCounts, *, every_seconds: float) -> None:
    """Runs until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        taken = counts.take()
        if not taken:
            continue
        try:
            await ask(CountCrowd(taken))
        except FeiraError as error:
            counts.put_back(taken)
            log.warning("counts_put_off", error=repr(error))
