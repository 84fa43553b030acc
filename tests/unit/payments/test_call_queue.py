"""Calls to a provider: gathered while others are under way, bounded, not in each other's way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from feira.services.payments.entrypoints.call_queue import CallQueue
from tests.eventually import eventually


class Provider:
    """Takes calls, and ends them when it is told to."""

    def __init__(self) -> None:
        self.calls: list[Sequence[int]] = []
        self.open = asyncio.Event()
        self.fails = False

    async def call(self, batch: Sequence[int]) -> None:
        self.calls.append(batch)
        if self.fails:
            raise RuntimeError("a bug")
        await self.open.wait()

    async def has_calls(self, count: int) -> None:
        async def probe() -> bool:
            return len(self.calls) == count

        await eventually(probe, what=f"{count} calls in {self.calls}")


@asynccontextmanager
async def running(provider: Provider, **limits: int) -> AsyncIterator[CallQueue[int]]:
    bounds = {"waiting_max": 100, "batch_size_max": 10, "calls_at_once_max": 1} | limits
    queue = CallQueue("test", provider.call, **bounds)
    task = asyncio.create_task(queue.run())
    yield queue
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_arrives_while_calls_are_busy_goes_together() -> None:
    provider = Provider()
    async with running(provider) as queue:
        queue.put_many([1])
        await provider.has_calls(1)
        for number in range(2, 14):
            queue.put_many([number])
        provider.open.set()
        await provider.has_calls(3)
    assert provider.calls == [[1], [*range(2, 12)], [12, 13]]


async def test_only_so_many_calls_are_made_at_once() -> None:
    provider = Provider()
    async with running(provider, batch_size_max=1, calls_at_once_max=3) as queue:
        queue.put_many(range(5))
        await provider.has_calls(3)
        await asyncio.sleep(0)
        assert len(provider.calls) == 3
        provider.open.set()
        await provider.has_calls(5)


async def test_what_does_not_fit_is_let_go() -> None:
    provider = Provider()
    async with running(provider, waiting_max=3) as queue:
        queue.put_many(range(5))
        assert queue.room == 0
        await provider.has_calls(1)
    assert provider.calls == [[0, 1, 2]]


async def test_a_call_that_fails_does_not_stop_the_others() -> None:
    provider = Provider()
    async with running(provider) as queue:
        provider.fails = True
        queue.put_many([1])
        await provider.has_calls(1)
        provider.fails = False
        queue.put_many([2])
        await provider.has_calls(2)
    assert provider.calls == [[1], [2]]
