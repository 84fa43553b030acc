"""What the simulated broker does wrong, how often, and a count of what it did."""

import asyncio
from collections import Counter
from collections.abc import MutableSequence
from dataclasses import dataclass
from random import Random  # a simulation: the same seed gives the same faults
from typing import Any

from feira.kernel.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Probabilities from 0 to 1, drawn once a call unless stated otherwise.

    None of them breaks the port's promises; a caller that holds to the port survives all of them.
    """

    delay_seconds_max: float = 0.0
    """Each call first waits for a time drawn evenly from 0 to this."""
    publish_refused: float = 0.0
    """`Unavailable`, and nothing is stored."""
    publish_unanswered: float = 0.0
    """`Unavailable`, though some of the first envelopes are stored, perhaps all."""
    receive_refused: float = 0.0
    """`Unavailable`."""
    acknowledge_refused: float = 0.0
    """`Unavailable`, and nothing is stored."""
    acknowledge_lost: float = 0.0
    """The call returns, but nothing is stored: what was acknowledged comes again after a restart.
    (So it is with Valkey when the partition has just passed to another member.)"""
    acknowledge_unanswered: float = 0.0
    """`Unavailable`, though it is stored."""
    duplicated: float = 0.0
    """Drawn a `receive`: of each partition an envelope that came before comes again."""
    membership_lost: float = 0.0
    """Drawn a `receive`: the member loses its lease, and joins again with the next call."""


class FaultInjector:
    """Draws from `faults`, which may be replaced at any time (`Faults()` heals the broker)."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.faults = faults
        self.injected: Counter[str] = Counter()
        self._random = Random(seed)

    async def delay(self) -> None:
        if self.faults.delay_seconds_max > 0:
            self.injected["delayed"] += 1
            await asyncio.sleep(self._random.uniform(0, self.faults.delay_seconds_max))

    def strikes(self, fault: str) -> bool:
        """Whether the fault of this name in `Faults` happens now."""
        probability: float = getattr(self.faults, fault)
        if probability <= 0 or self._random.random() >= probability:
            return False
        self.injected[fault] += 1
        return True

    def may_refuse(self, fault: str) -> None:
        if self.strikes(fault):
            raise Unavailable(f"simulated: {fault}")

    def number(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return self._random.randint(low, high)

    def entropy(self, size_bytes: int) -> bytes:
        return self._random.randbytes(size_bytes)

    def shuffle(self, items: MutableSequence[Any]) -> None:
        self._random.shuffle(items)
