"""Levels are told some times a second, not in every batch: the last of them, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from feira.contracts.inventory import StockLevelChanged
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.inventory.application.announce_levels import (
    AnnounceLevels,
    ContinueAnnouncement,
)
from feira.services.inventory.application.tell_levels import TellLevels
from feira.services.inventory.application.untold_levels import UntoldLevels
from feira.services.inventory.entrypoints.level_teller import tell_changed_levels
from tests.unit.inventory.world import World, in_memory, receive, reserve

PROBES_MAX = 5000


@dataclass
class Process:
    """A process whose lane does, or fails to do, what its teller asks."""

    untold: UntoldLevels = field(default_factory=UntoldLevels)
    failures: list[Exception] = field(default_factory=list)
    """Of the next commands, in their order; `None` after them."""
    asked: list[Any] = field(default_factory=list)
    heard: list[StockLevelChanged] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = in_memory(untold=self.untold)

    async def ask(self, command: Any) -> None:
        self.asked.append(command)
        if self.failures:
            raise self.failures.pop(0)
        self.heard += (await self.world.do(command)).levels

    @asynccontextmanager
    async def teller(self, *, levels_max: int = 100) -> AsyncIterator[None]:
        telling = asyncio.create_task(
            tell_changed_levels(self.ask, self.untold, every_seconds=0.001, levels_max=levels_max)
        )
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling

    async def until_heard(self, count: int) -> list[StockLevelChanged]:
        await until(lambda: len(self.heard) >= count)
        return self.heard


async def test_ten_batches_are_told_at_once_as_they_end() -> None:
    process = Process()
    await process.world.with_stock({1: 100})
    for order_id in range(10):
        told = await process.world.do(reserve(order_id, (1, 2)))
        assert told.levels == []
    async with process.teller():
        assert await process.until_heard(1) == [level(1, 100, reserved=20, version=11)]
    assert process.asked == [AnnounceLevels(), TellLevels(frozenset({1}))]


async def test_what_was_told_is_told_again_only_after_another_change() -> None:
    process = Process()
    await process.world.with_stock({1: 100, 2: 100})
    async with process.teller():
        assert len(await process.until_heard(2)) == 2
        await process.world.do(receive(2, 5))
        assert (await process.until_heard(3))[2:] == [level(2, 105, version=2)]
        assert process.untold.take(100) == frozenset()


@pytest.mark.parametrize(
    "failure", [Unavailable("no answer in time"), Overloaded("the lane"), RuntimeError("a bug")]
)
async def test_levels_are_told_after_a_failed_attempt(failure: Exception) -> None:
    process = Process()
    async with process.teller():
        await until(lambda: len(process.asked) == 1)
        process.failures = [failure, failure]
        await process.world.with_stock({1: 10})
        assert await process.until_heard(1) == [level(1, 10, version=1)]
    assert process.asked == [AnnounceLevels(), *[TellLevels(frozenset({1}))] * 3]


async def test_the_announcement_at_the_start_is_asked_for_until_it_is_done() -> None:
    process = Process(failures=[Unavailable("starting"), Unavailable("starting")])
    async with process.teller():
        await until(lambda: len(process.asked) == 3)
        await process.world.with_stock({1: 10})
        await process.until_heard(1)
    assert process.asked == [*[AnnounceLevels()] * 3, TellLevels(frozenset({1}))]
    assert (await process.world.books()).announcement == {0: 0}


async def test_a_process_that_died_leaves_levels_to_the_next() -> None:
    first = Process()
    await first.world.with_stock({1: 10, 2: 20})
    async with first.teller():
        await first.until_heard(2)
    await first.world.do(reserve(17, (2, 5)))
    assert [told.key for told in first.heard] == ["1", "2"]

    second = Process()
    second.world = first.world
    async with second.teller():
        await until(lambda: len(second.asked) == 1)
        page = await first.world.do(ContinueAnnouncement(100))
    assert page.levels == [level(1, 10, version=1), level(2, 20, version=2, reserved=5)]


async def test_many_products_are_told_some_at_a_time() -> None:
    process = Process()
    await process.world.with_stock(dict.fromkeys(range(1, 8), 10))
    async with process.teller(levels_max=3):
        heard = await process.until_heard(7)
    assert {told.product_id for told in heard} == set(range(1, 8))
    assert [len(asked.product_ids) for asked in process.asked[1:]] == [3, 3, 1]


async def test_a_batch_of_which_nobody_knows_whether_it_was_committed_is_told_of() -> None:
    """The lane learns later that it was; `committed` is not called then."""
    process = Process()
    await lose_the_answer_to_a_commit(process.world)
    async with process.teller():
        assert await process.until_heard(1) == [level(1, 10, version=1)]


def test_those_that_wait_longest_are_taken_first() -> None:
    untold = UntoldLevels()
    untold.add([3, 1])
    untold.add([2, 3])
    assert untold.take(2) == {3, 1}
    untold.add([1])
    assert untold.take(1) == {2}
    assert untold.take(5) == {1}
    assert untold.take(5) == frozenset()


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(PROBES_MAX):
        if is_so():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come")


async def lose_the_answer_to_a_commit(world: World) -> None:
    begin = world.begin

    @asynccontextmanager
    async def cut_off(*parts: Any) -> AsyncIterator[Any]:
        async with begin(*parts) as uow:
            yield uow
        raise Unavailable("cut off while committing")

    world.begin = cut_off
    with suppress(Unavailable):
        await world.with_stock({1: 10})
    world.begin = begin


def level(product_id: int, on_hand: int, *, version: int, reserved: int = 0) -> StockLevelChanged:
    return StockLevelChanged(
        product_id=product_id,
        on_hand=on_hand,
        reserved=reserved,
        available=on_hand - reserved,
        version=version,
    )
