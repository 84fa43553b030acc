"""How often a process that keeps dying is started again, and after how long."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 60.0


class RestartBudget:
    """At most `restarts_per_minute_max` restarts, each waiting twice as long as the one before.

    The first restart within a minute is nearly immediate, since most deaths are single ones.
    """

    def __init__(
        self,
        restarts_per_minute_max: int,
        *,
        delay_seconds_first: float = 0.05,
        delay_seconds_max: float = 5.0,
    ) -> None:
        self._restarts_per_minute_max = restarts_per_minute_max
        self._delay_seconds_first = delay_seconds_first
        self._delay_seconds_max = delay_seconds_max
        self._spent: deque[float] = deque(maxlen=max(1, restarts_per_minute_max))

    def spend(self, now_seconds: float) -> float | None:
        """The delay in seconds before the next restart; None when the budget is used up.

        `now_seconds` is any monotonic clock's reading.
        """
        while self._spent and self._spent[0] <= now_seconds - WINDOW_SECONDS:
            self._spent.popleft()
        if len(self._spent) >= self._restarts_per_minute_max:
            return None
        delay_seconds: float = self._delay_seconds_first * 2 ** len(self._spent)
        self._spent.append(now_seconds)
        return min(delay_seconds, self._delay_seconds_max)
