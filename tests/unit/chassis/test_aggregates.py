"""Aggregates and the shelf between transactions: right whatever other processes do."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from feira.chassis.aggregates import Aggregates, Shelf
from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.store import Contention
from tests.unit.chassis.jars import Jar, JarRows, LookInto, Process, PutSweets, Shelves, running


class Table(dict[int, Jar]):
    """One transaction at a time: nobody else wants its rows."""

    async def lock(self, keys: Iterable[int]) -> None:
        """Nobody has to be waited for."""


class World:
    """A table with some rows and a process's shelf; each `begin` is a transaction."""

    def __init__(self, *jars: Jar, shelf: Shelf[Jar] | None = None) -> None:
        self.table: Any = Table({jar.id: jar for jar in jars})
        self.shelf = Shelf[Jar]() if shelf is None else shelf

    def begin(self) -> Aggregates[Jar]:
        self.rows = JarRows(self.table)
        return Aggregates(self.rows, lambda jar: jar.id, self.shelf)

    async def put_one_sweet_into(self, *jar_ids: int) -> None:
        """A whole transaction."""
        jars = self.begin()
        found = await jars.get_many(jar_ids)
        for jar_id in jar_ids:
            found[jar_id].sweets += 1
        jars.save_many(found[jar_id] for jar_id in jar_ids)
        await jars.flush()
        jars.committed()

    def another_process_puts_one_into(self, jar_id: int) -> None:
        jar = self.table[jar_id]
        self.table[jar_id] = replace(jar, sweets=jar.sweets + 1, version=jar.version + 1)


async def test_an_aggregate_is_loaded_once_and_then_waits_on_the_shelf() -> None:
    world = World(Jar(1), Jar(2))
    await world.put_one_sweet_into(1, 2)
    assert world.rows.loads == [{1, 2}]
    await world.put_one_sweet_into(1)
    assert world.rows.loads == []
    assert world.table[1] == Jar(1, sweets=2, version=2)


async def test_what_does_not_exist_is_asked_for_once_a_transaction() -> None:
    world = World(Jar(1))
    jars = world.begin()
    assert (await jars.get_many([1, 9])).keys() == {1}
    await jars.get_many([9])
    assert world.rows.loads == [{1, 9}]


async def test_the_same_aggregate_is_met_throughout_a_transaction() -> None:
    world = World(Jar(1))
    jars = world.begin()
    first = (await jars.get_many([1]))[1]
    assert (await jars.get_many([1]))[1] is first
    (learned,) = jars._learn([Jar(1)])
    assert learned is first


async def test_what_was_read_by_another_way_is_not_replaced_by_the_shelfs() -> None:
    """A sweep reads rows directly: what it changes must not be lost to an older copy."""
    world = World(Jar(1))
    await world.put_one_sweet_into(1)
    jars = world.begin()
    (swept,) = jars._learn(await world.rows.load([1]))
    assert (await jars.get_many([1]))[1] is swept


async def test_a_new_aggregate_is_inserted_once_and_updated_after_that() -> None:
    world = World()
    jars = world.begin()
    jar = Jar(1)
    jars.add_many([jar])
    jars.save_many([jar])
    await jars.flush()
    assert world.table[1].version == 1
    jar.sweets = 5
    jars.save_many([jar])
    await jars.flush()
    assert world.table[1] == Jar(1, sweets=5, version=2)


async def test_a_stale_aggregate_cannot_be_written() -> None:
    world = World(Jar(1))
    await world.put_one_sweet_into(1)
    world.another_process_puts_one_into(1)
    with pytest.raises(Contention):
        await world.put_one_sweet_into(1)
    await world.put_one_sweet_into(1)  # it was taken off the shelf: now fresh
    assert world.table[1].sweets == 3


async def test_a_stale_aggregate_cannot_even_be_relied_on() -> None:
    world = World(Jar(1))
    await world.put_one_sweet_into(1)
    world.another_process_puts_one_into(1)
    jars = world.begin()
    await jars.get_many([1])
    with pytest.raises(Contention):
        await jars.flush()


async def test_what_was_just_loaded_needs_no_check() -> None:
    world = World(Jar(1))
    jars = world.begin()
    await jars.get_many([1])
    world.another_process_puts_one_into(1)
    await jars.flush()


async def test_an_aggregate_that_was_inserted_meanwhile_is_contention() -> None:
    world = World(Jar(1))
    jars = world.begin()
    jars.add_many([Jar(1)])
    with pytest.raises(Contention):
        await jars.flush()


async def test_a_failed_transaction_leaves_nothing_on_the_shelf() -> None:
    world = World(Jar(1))
    await world.put_one_sweet_into(1)
    jars = world.begin()
    (await jars.get_many([1]))[1].sweets = 99  # and then it fails: never `committed`
    assert len(world.shelf) == 0
    await world.put_one_sweet_into(1)
    assert world.table[1].sweets == 2


async def test_the_shelf_is_bounded_and_the_oldest_make_room() -> None:
    world = World(*(Jar(n) for n in range(10)), shelf=Shelf(aggregates_max=3))
    for jar_id in range(10):
        await world.put_one_sweet_into(jar_id)
    assert len(world.shelf) == 3
    assert world.shelf.take(range(10)).keys() == {7, 8, 9}


async def test_only_what_is_worth_it_is_kept() -> None:
    world = World(Jar(1), Jar(2, sweets=8), shelf=Shelf(lambda jar: jar.sweets < 9))
    await world.put_one_sweet_into(1, 2)
    assert world.shelf.take([1, 2]).keys() == {1}


async def test_two_processes_in_turns_lose_no_sweet() -> None:
    database = MemoryDatabase(Shelves())
    one, other = Process(database), Process(database)
    async with running(one.lane.run()), running(other.lane.run()):
        for turn in range(6):
            process = (one, other)[turn % 2]
            assert await process.ask(PutSweets(jar_id=1)) == turn + 1
            assert await (one, other)[turn // 2 % 2].ask(LookInto(1)) == turn + 1
    assert one.sweets == {1: 6}
