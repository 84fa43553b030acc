"""Processes that decide on the same things: locks for stock, versions for reservations."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.contracts.inventory import (
    ReservationConfirmed,
    ReservationReleased,
    StockInsufficient,
    StockReserved,
)
from feira.contracts.message import Message
from feira.kernel.errors import Unavailable
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.postgres import reservations, stock
from feira.services.inventory.adapters.postgres.unit_of_work import units_of_work
from feira.services.inventory.application.expire_reservations import ExpireReservations
from feira.services.inventory.domain.reservation import ReservationStatus
from tests.adapters.inventory.process import (
    Process,
    check_audit,
    statements_of,
    until_somebody_waits,
)
from tests.unit.inventory.world import (
    START,
    World,
    confirm,
    decide,
    product,
    receive,
    release,
    reserve,
)

RESERVED = StockReserved(order_id=17)
CONFIRMED = ReservationConfirmed(order_id=17)
RELEASED = ReservationReleased(order_id=17)
EXPIRED = ReservationReleased(order_id=17, expired=True)


# --- at the same time ---------------------------------------------------------------------


async def test_two_processes_never_sell_the_same_unit(
    postgres_world: World, process: Process, other: Process
) -> None:
    await postgres_world.with_stock({1: 1})
    async with process.batch_of(reserve(17, (1, 1))):
        second = asyncio.create_task(other.run(reserve(18, (1, 1))))
        await until_somebody_waits(process.connection)
    (answer,) = (await second).answers
    assert isinstance(answer, StockInsufficient)
    assert await postgres_world.item(1) == (1, 1)
    await check_audit(process)


async def test_a_hold_that_is_being_confirmed_does_not_expire(
    postgres_world: World, process: Process, other: Process
) -> None:
    """The sweep has found the hold overdue, and then that it was decided before."""
    await postgres_world.with_stock({1: 5})
    await postgres_world.do(reserve(17, (1, 1), hold_seconds=0))
    async with process.batch_of(confirm(17)) as confirmation:
        sweep = asyncio.create_task(other.run(ExpireReservations()))
        await until_somebody_waits(process.connection)
    assert confirmation.answers == [CONFIRMED]
    swept = await sweep
    assert (swept.outcomes, swept.messages, other.attempts) == ([0], [], 2)
    assert await postgres_world.status(17) is ReservationStatus.CONFIRMED
    assert await postgres_world.item(1) == (4, 0)
    await check_audit(process)


async def test_a_confirmation_waits_for_an_expiry_and_learns_of_it(
    postgres_world: World, process: Process, other: Process
) -> None:
    await postgres_world.with_stock({1: 5})
    await postgres_world.do(reserve(17, (1, 1), hold_seconds=0))
    async with process.batch_of(ExpireReservations()) as sweep:
        confirmation = asyncio.create_task(other.run(confirm(17)))
        await until_somebody_waits(process.connection)
    assert sweep.answers == [EXPIRED]
    assert (await confirmation).messages == [EXPIRED]
    assert other.attempts == 2
    assert await postgres_world.status(17) is ReservationStatus.EXPIRED
    assert await postgres_world.item(1) == (5, 0)
    await check_audit(process)


async def test_what_is_given_up_by_rollback_leaves_the_decision_to_the_other(
    postgres_world: World, process: Process, other: Process
) -> None:
    await postgres_world.with_stock({1: 5})
    await postgres_world.do(reserve(17, (1, 1), hold_seconds=0))
    with suppress(Unavailable):
        async with process.batch_of(ExpireReservations()):
            confirmation = asyncio.create_task(other.run(confirm(17)))
            await until_somebody_waits(process.connection)
            raise Unavailable("the process goes away before it commits")
    assert (await confirmation).answers == [CONFIRMED]
    assert other.attempts == 1
    await check_audit(process)


@pytest.mark.parametrize("command", [reserve(17, (1, 1)), release(17), product(2, 5)])
async def test_what_another_process_inserts_meanwhile_is_tried_again(
    postgres_world: World, process: Process, other: Process, command: Any
) -> None:
    await postgres_world.with_stock({1: 5, 3: 5})
    with pytest.raises(Contention):
        await decide_too_late(other.connection, process, command)
    await other.try_once(command)
    await check_audit(process)


async def decide_too_late(late: Connection, early: Process, command: Any) -> None:
    """Another process decides on order 17 and product 2 after we saw that they are not there."""
    ids = Ids()
    outbox = Outbox("/feira/inventory", 4, ids, START)
    async with late.transaction():
        uow = units_of_work()(late, outbox, ids, START)
        await uow.reservations.get_many([17])
        await uow.stock.get_many_for_update([2])
        await early.try_once(reserve(17, (3, 1)), product(2, 5))
        await decide([command], uow, outbox)


# --- a shelf that another process has made stale -------------------------------------------------


@pytest.mark.parametrize(
    ("meanwhile", "command", "answer", "levels"),
    [
        pytest.param(release(17), confirm(17), RELEASED, (5, 0), id="confirm-released"),
        pytest.param(ExpireReservations(), confirm(17), EXPIRED, (5, 0), id="confirm-expired"),
        pytest.param(confirm(17), release(17), RELEASED, (5, 0), id="release-confirmed"),
        pytest.param(ExpireReservations(), release(17), EXPIRED, (5, 0), id="release-expired"),
        # Nothing would be written for a repeat, so that only `count_current` can tell.
        pytest.param(release(17), reserve(17, (1, 2)), RELEASED, (5, 0), id="repeat-released"),
        pytest.param(confirm(17), reserve(17, (1, 2)), RESERVED, (3, 0), id="repeat-confirmed"),
    ],
)
async def test_what_waits_on_the_shelf_is_not_believed_when_another_process_has_decided(
    postgres_world: World,
    process: Process,
    other: Process,
    meanwhile: Any,
    command: Any,
    answer: Message,
    levels: tuple[int, int],
) -> None:
    await postgres_world.with_stock({1: 5})
    await process.run(reserve(17, (1, 2), hold_seconds=0))
    await other.run(meanwhile)
    told = await process.run(command)
    assert (told.answers, process.attempts) == ([answer], 2)
    assert await postgres_world.item(1) == levels
    await check_audit(process)


async def test_a_batch_that_met_a_stale_reservation_does_nothing_else_twice(
    postgres_world: World, process: Process, other: Process
) -> None:
    await postgres_world.with_stock({1: 5, 2: 5})
    await process.run(reserve(17, (1, 2)))
    await other.run(release(17))
    told = await process.run(reserve(18, (1, 1)), confirm(17), receive(2, 3), reserve(17, (1, 2)))
    assert told.answers == [StockReserved(order_id=18), RELEASED, RELEASED]
    assert await postgres_world.item(1) == (5, 1)
    assert await postgres_world.item(2) == (8, 0)
    await check_audit(process)


async def test_a_repeat_from_the_shelf_is_compared_with_its_row_and_not_loaded(
    postgres_world: World, process: Process
) -> None:
    await postgres_world.with_stock({1: 5})
    await process.run(reserve(17, (1, 2)))
    with statements_of(process.connection) as statements:
        told = await process.run(reserve(17, (1, 2)))
    assert (told.messages, process.attempts) == ([RESERVED], 1)
    assert statements == [stock.LOCK, reservations.CURRENT]
