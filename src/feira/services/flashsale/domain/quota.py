"""A quota: so many requests a second, and some at once; as the generic cell rate algorithm does.

One moment is kept a client: when its bucket will be empty again.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

LONGEST_WAIT_SECONDS_MAX: Final = 3600


@dataclass(frozen=True, slots=True)
class Quota:
    name: str
    per_second: float
    at_once: int

    @property
    def window_seconds(self) -> int:
        """In how many seconds `at_once` requests are earned again."""
        return max(1, ceil(self.at_once / self.per_second))


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one request: `empty_at` is to be kept; seconds are whole, and upwards."""

    is_allowed: bool
    empty_at: float
    remaining: int
    wait_seconds: int
    """Until one more is allowed; 0 when it is now."""


def take(quota: Quota, empty_at: float, now: float) -> Taken:
    """Count one request at `now`, in seconds of any clock that does not go back."""
    cost = 1 / quota.per_second
    full = cost * quota.at_once
    level = max(0.0, empty_at - now)
    if level + cost > full + 1e-9:
        wait = min(LONGEST_WAIT_SECONDS_MAX, max(1, ceil(level + cost - full)))
        return Taken(False, now + level, 0, wait)
    level += cost
    remaining = int((full - level) / cost + 1e-9)
    return Taken(True, now + level, remaining, 0 if remaining else max(1, ceil(cost)))
