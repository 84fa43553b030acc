"""Work for calls to a provider: gathered while calls are under way, done in bounded batches."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")


class CallQueue(Generic[T]):
    """Natural batching, as in the lane: what arrives while all calls are busy goes together.

    What does not fit is let go of, and said so: it is durable, and is found by its next check.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[Sequence[T]], Awaitable[None]],
        *,
        waiting_max: int,
        batch_size_max: int,
        calls_at_once_max: int,
    ) -> None:
        self._name = name
        self._call = call
        self._waiting: deque[T] = deque()
        self._waiting_max = waiting_max
        self._batch_size_max = batch_size_max
        self._slots = asyncio.Semaphore(calls_at_once_max)
        self._arrived = asyncio.Event()

    @property
    def room(self) -> int:
        return self._waiting_max - len(self._waiting)

    def put_many(self, items: Iterable[T]) -> None:
        taken = list(items)
        if len(taken) > self.room:
            log.warning("calls_put_off", queue=self._name, count=len(taken) - self.room)
            del taken[self.room :]
        if taken:
            self._waiting += taken
            self._arrived.set()

    async def run(self) -> None:
        """Until cancelled. A call that fails is logged: what it was for is found again."""
        async with asyncio.TaskGroup() as calls:
            while True:
                await self._arrived.wait()
                await self._slots.acquire()
                calls.create_task(self._make_call(self._take()))

    def _take(self) -> list[T]:
        batch = [
            self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_size_max))
        ]
        if not self._waiting:
            self._arrived.clear()
        return batch

    async def _make_call(self, batch: Sequence[T]) -> None:
        try:
            await self._call(batch)
        except Exception:
            log.exception("call_failed", queue=self._name, count=len(batch))
        finally:
            self._slots.release()
