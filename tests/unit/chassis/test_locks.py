"""Row locks in memory: whoever is cancelled as its turn comes keeps nobody else waiting."""

import asyncio

from feira.chassis.memory.locks import Holder, Locks
from tests.eventually import eventually


async def test_who_is_cancelled_as_its_turn_comes_hands_the_row_on() -> None:
    """The row was given to it already: without a word from it, nobody would get it again."""
    locks = Locks()
    first, unlucky, last = Holder(), Holder(), Holder()
    await locks.take(first, "jar", [1])
    cancelled = await waiting(locks, unlucky)
    patient = await waiting(locks, last)

    locks.release(first)
    cancelled.cancel()
    await asyncio.wait([cancelled], timeout=60)

    assert cancelled.cancelled()
    async with asyncio.timeout(60):
        await patient
    assert (unlucky.held, list(last.held)) == ({}, [("jar", 1)])


async def test_who_is_cancelled_in_line_is_passed_over() -> None:
    locks = Locks()
    first, gone, last = Holder(), Holder(), Holder()
    await locks.take(first, "jar", [1])
    cancelled = await waiting(locks, gone)
    patient = await waiting(locks, last)

    cancelled.cancel()
    await asyncio.wait([cancelled], timeout=60)
    assert not patient.done()  # the row is the first one's still

    locks.release(first)
    async with asyncio.timeout(60):
        await patient
    assert list(last.held) == [("jar", 1)]


async def waiting(locks: Locks, holder: Holder) -> asyncio.Task[None]:
    """A transaction that stands in line for the row."""
    task = asyncio.create_task(locks.take(holder, "jar", [1]))

    async def stands_in_line() -> bool:
        return holder.waits_for is not None

    await eventually(stands_in_line)
    return task
