"""Clocks of machines: each begins a little off, goes a little fast or slow, and may jump."""

from datetime import UTC, datetime, timedelta
from typing import Final

from feira.simulation.loop import SimulatedLoop

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
"""Midnight in São Paulo: Black Friday begins."""


class DriftingClock:
    """`rate` is how many seconds it goes in one; `offset_seconds` how far ahead it is."""

    def __init__(self, loop: SimulatedLoop, rate: float = 1.0, offset_seconds: float = 0.0) -> None:
        self._loop = loop
        self._rate = rate
        self._offset_seconds = offset_seconds

    def now(self) -> datetime:
        seconds = self._loop.time() * self._rate + self._offset_seconds
        return START + timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        self._offset_seconds += seconds
