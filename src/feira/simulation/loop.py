"""An event loop with virtual time: no threads, no input or output, nothing but the seed decides.

Its clock jumps to the next timer whenever there is nothing to do.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from itertools import count
from typing import Any, Final, TypeVar

T = TypeVar("T")

STEPS_MAX: Final = 200_000_000


class Stuck(Exception):
    """Everything waits for something that will never happen, or the run does not end."""


class _Task(asyncio.Task[Any]):
    """Hashed by its number: asyncio keeps tasks in sets, whose order must not depend on where in
    memory they are."""

    def __init__(self, coro: Any, number: int, **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class _Timers:
    """In the place of a selector: waiting is done by moving the clock."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck("everything waits for something that will never happen")
        self._loop.advance(timeout)
        return []

    def close(self) -> None:
        """Nothing is open."""


class SimulatedLoop(asyncio.BaseEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        self._selector = _Timers(self)
        self._numbers = count(1)
        self.steps = 0
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise Stuck(f"the run has not ended after {STEPS_MAX} steps")
        if seconds > 0:
            self._seconds += seconds

    def _make_task(
        self,
        _loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[Any]:
        if sys.version_info >= (3, 11) and context is not None:
            options["context"] = context
        return _Task(coro, next(self._numbers), loop=self, **options)

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody is in a thread of his own."""

    def run_in_executor(self, _executor: Any, func: Any, *_args: Any) -> Any:  # type: ignore[override]
        raise AssertionError(f"no threads in a simulation: {func}")


def run_simulated(scenario: Callable[[SimulatedLoop], Coroutine[Any, Any, T]]) -> T:
    """Run to its end on a loop of its own; whatever else still runs then is cancelled."""
    loop = SimulatedLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(scenario(loop))
