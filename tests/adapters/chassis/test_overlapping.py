"""Transactions that overlap: the same in memory, where the shop is simulated, as in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from feira.chassis.memory.weather import Fate
from feira.chassis.store import CommitUnknown, Contention, Store
from feira.chassis.work import Answer, IdempotencyKey
from feira.kernel.ids import uuid7
from tests.adapters.chassis.jar_tables import JarUnitOfWork, World, in_memory, in_postgres
from tests.eventually import eventually
from tests.postgres import PostgresServer
from tests.unit.chassis.jars import messages_in

KEY = IdempotencyKey("ana", "checkout-1", b"fingerprint")
PATIENCE_SECONDS = 60


class Undone(Exception):
    """Rolls a transaction back."""


@pytest.fixture
async def postgres_world(postgres_server: PostgresServer) -> AsyncIterator[World]:
    async with in_postgres(await postgres_server.fresh_database("orders")) as world:
        yield world


@pytest.fixture
async def memory_world() -> AsyncIterator[World]:
    async with in_memory() as world:
        yield world


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found


async def with_jars(world: World, *sweets: int) -> None:
    """Jar 1, 2, … with so many sweets each."""
    async with world.store().begin() as transaction:
        for jar_id, count in enumerate(sweets, start=1):
            await transaction.uow.jars.insert(jar_id, count)


async def sweets_in(world: World, *jar_ids: int) -> list[int | None]:
    async with world.store().begin() as transaction:
        found = await transaction.uow.jars.read(*jar_ids)
        return [found.get(jar_id) for jar_id in jar_ids]


@asynccontextmanager
async def beside(world: World, does: Callable[[Any], Awaitable[Any]]) -> AsyncIterator["Beside"]:
    """Another transaction, which waits for a lock by the time the block begins."""
    task = asyncio.create_task(alone(world.store(), does))
    await eventually(world.somebody_waits)
    yield Beside(task)


async def alone(store: Store[JarUnitOfWork], does: Callable[[Any], Awaitable[Any]]) -> Any:
    async with store.begin() as transaction:
        return await does(transaction)


class Beside:
    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.task = task

    async def done(self) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.task


# --- what is seen --------------------------------------------------------------------------------


async def test_a_transaction_sees_its_own_writing_and_what_is_committed_by_then(
    world: World,
) -> None:
    await with_jars(world, 5, 5)
    async with world.store().begin() as first:
        await first.uow.jars.update(1, 6)
        async with world.store().begin() as second:
            assert await second.uow.jars.read(1) == {1: 5}, "it is not committed"
            await second.uow.jars.update(2, 7)
            assert await first.uow.jars.read(1, 2) == {1: 6, 2: 5}
        assert await first.uow.jars.read(1, 2) == {1: 6, 2: 7}
    assert await sweets_in(world, 1, 2) == [6, 7]


async def test_what_is_inserted_is_there_for_others_once_it_is_committed(world: World) -> None:
    async with world.store().begin() as first:
        await first.uow.jars.insert(1, 5)
        assert await sweets_in(world, 1) == [None]
        assert await first.uow.jars.lock(1) == {1: 5}
    assert await sweets_in(world, 1) == [5]


# --- locks ---------------------------------------------------------------------------------------


async def take_one(transaction: Any) -> int:
    """A decision on what is there once the row is ours; how many were left."""
    left: int = (await transaction.uow.jars.lock(1))[1] - 1
    await transaction.uow.jars.update(1, left)
    return left


async def test_who_waits_for_a_row_decides_on_what_the_other_has_left(world: World) -> None:
    await with_jars(world, 5)
    async with world.store().begin() as first:
        assert await take_one(first) == 4
        async with beside(world, take_one) as second:
            assert not second.task.done()
    assert await second.done() == 3
    assert await sweets_in(world, 1) == [3]


async def test_who_waits_for_a_row_decides_on_what_was_when_the_other_is_undone(
    world: World,
) -> None:
    await with_jars(world, 5)
    with suppress(Undone):
        async with world.store().begin() as first:
            await take_one(first)
            async with beside(world, take_one) as second:
                raise Undone
    assert await second.done() == 4
    assert await sweets_in(world, 1) == [4]


async def test_who_gives_up_waiting_keeps_nobody_else_waiting(world: World) -> None:
    await with_jars(world, 5)
    async with world.store().begin() as first:
        await take_one(first)
        async with beside(world, take_one) as second:
            second.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second.done()
    assert await alone(world.store(), take_one) == 3


async def test_of_two_that_wait_for_each_other_one_is_in_the_way(world: World) -> None:
    """The other goes on, and nothing of the one has happened."""
    await with_jars(world, 5, 5)
    both_have_one = asyncio.Barrier(2)

    async def move(source: int, target: int) -> None:
        async with world.store().begin() as transaction:
            jars = transaction.uow.jars
            left = (await jars.lock(source))[source] - 1
            await jars.update(source, left)
            await both_have_one.wait()
            await jars.update(target, (await jars.lock(target))[target] + 1)

    async with asyncio.timeout(PATIENCE_SECONDS):
        ends = await asyncio.gather(move(1, 2), move(2, 1), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [Contention]
    moved = [4, 6] if ends[0] is None else [6, 4]
    assert await sweets_in(world, 1, 2) == moved


async def test_one_who_inserts_what_another_is_inserting_waits_and_is_in_its_way(
    world: World,
) -> None:
    async with world.store().begin() as first:
        await first.uow.jars.insert(1, 5)
        async with beside(world, lambda t: t.uow.jars.insert(1, 7)) as second:
            pass
    with pytest.raises(Contention):
        await second.done()
    assert await sweets_in(world, 1) == [5]


async def test_one_who_inserts_what_was_undone_is_the_first(world: World) -> None:
    with suppress(Undone):
        async with world.store().begin() as first:
            await first.uow.jars.insert(1, 5)
            async with beside(world, lambda t: t.uow.jars.insert(1, 7)) as second:
                raise Undone
    await second.done()
    assert await sweets_in(world, 1) == [7]


# --- what others hold is passed over (SKIP LOCKED) -----------------------------------------------


async def test_those_that_others_hold_are_passed_over_for_the_next(world: World) -> None:
    await with_jars(world, 4, 3, 2, 1)
    async with world.store().begin() as first:
        assert list((await first.uow.jars.lock_full(2)).items()) == [(4, 1), (3, 2)]
        async with world.store().begin() as second:
            assert list((await second.uow.jars.lock_full(1)).items()) == [(2, 3)]
            async with world.store().begin() as third:
                assert await third.uow.jars.lock_full(9) == {1: 4}
                assert await first.uow.jars.lock_full(9) == {4: 1, 3: 2}, "its own are not others'"
    assert list(await alone(world.store(), lambda t: t.uow.jars.lock_full(9))) == [4, 3, 2, 1]


async def test_what_was_passed_over_is_found_when_the_other_is_undone(world: World) -> None:
    await with_jars(world, 1)
    with suppress(Undone):
        async with world.store().begin() as first:
            assert await first.uow.jars.lock_full(1) == {1: 1}
            await first.uow.jars.update(1, 0)
            assert await alone(world.store(), lambda t: t.uow.jars.lock_full(1)) == {}
            raise Undone
    assert await alone(world.store(), lambda t: t.uow.jars.lock_full(1)) == {1: 1}


async def test_what_the_other_has_done_is_not_found_again(world: World) -> None:
    await with_jars(world, 1, 1)
    async with world.store().begin() as first:
        (jar_id,) = await first.uow.jars.lock_full(1)
        await first.uow.jars.update(jar_id, 0)
    assert await alone(world.store(), lambda t: t.uow.jars.lock_full(2)) == {3 - jar_id: 1}


# --- claims --------------------------------------------------------------------------------------


async def test_an_envelope_that_another_is_handling_is_waited_for(world: World) -> None:
    done, undone = uuid7(), uuid7()

    async def claim_both(transaction: Any) -> set[Any]:
        return set(await transaction.inbox.claim(uuid7(), [done, undone]))

    with suppress(Undone):
        async with world.store().begin() as first:
            assert set(await first.inbox.claim(uuid7(), [undone])) == {undone}
            async with beside(world, claim_both) as second:
                async with world.store().begin() as third:
                    other = uuid7()
                    assert set(await third.inbox.claim(uuid7(), [other])) == {other}
                raise Undone
    assert await second.done() == {done, undone}
    async with world.store().begin() as first:
        assert not await first.inbox.claim(uuid7(), [done, undone])


async def test_an_envelope_that_another_has_handled_meanwhile_is_not_new(world: World) -> None:
    envelope_id = uuid7()

    async def claim(transaction: Any) -> set[Any]:
        return set(await transaction.inbox.claim(uuid7(), [envelope_id]))

    async with world.store().begin() as first:
        assert await claim(first) == {envelope_id}
        async with beside(world, claim) as second:
            pass
    assert await second.done() == set()


async def test_a_key_that_another_is_answering_is_waited_for(world: World) -> None:
    async with world.store().begin() as first:
        await first.inbox.remember([(KEY, Answer(201, b"first"))])
        async with beside(
            world, lambda t: t.inbox.remember([(KEY, Answer(201, b"second"))])
        ) as second:
            pass
    with pytest.raises(Contention):
        await second.done()


# --- commits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNHEARD])
async def test_a_commit_that_broke_off_is_looked_up_and_happened_wholly_or_not(
    world: World, fate: Fate
) -> None:
    await with_jars(world, 5)
    store, marker = world.store(), uuid7()
    async with store.begin():
        pass  # connected: what breaks is the commit
    world.commits(fate)
    uow: list[JarUnitOfWork] = []

    async def take_and_tell(transaction: Any) -> None:
        uow.append(transaction.uow)
        await transaction.inbox.claim(marker, [])
        await take_one(transaction)
        transaction.uow.say(1)
        await transaction.save()

    with pytest.raises(CommitUnknown):
        await alone(store, take_and_tell)
    assert not uow[0].is_committed
    happened = fate is Fate.UNHEARD
    assert await store.committed(marker) == happened
    assert await sweets_in(world, 1) == [4 if happened else 5]
    assert len((await world.reader().unpublished(9))[1]) == happened
    async with store.begin() as again:  # nothing is locked any more
        assert await take_one(again) == (3 if happened else 4)


async def test_an_envelope_may_become_visible_behind_a_later_one(world: World) -> None:
    """Row ids are drawn as rows are written: a relay that reads from a cursor would pass it by."""
    reader = world.reader()
    async with world.store().begin() as early:
        early.uow.say(1)
        await early.save()
        async with world.store().begin() as late:
            late.uow.say(2)
            await late.save()
        first_seen = (await reader.unpublished(9))[1]
    assert [data["sweets"] for _, data in messages_in(first_seen)] == [2]
    seen = (await reader.unpublished(9))[1]
    assert [data["sweets"] for _, data in messages_in(seen)] == [1, 2]
