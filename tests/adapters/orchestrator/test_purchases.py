"""Purchases as the orchestrator leads them: the same on every database."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from feira.contracts.orchestrator import (
    CancelOrder,
    CancelPayment,
    ConfirmOrder,
    ConfirmReservation,
    RecordProgress,
    ReleaseStock,
    RequestPayment,
    ReserveStock,
    SagaFinished,
)
from feira.kernel.errors import Refused
from feira.services.orchestrator.application.retry_purchase import RetryPurchase
from feira.services.orchestrator.application.sweep_purchases import AskAllAgain, SweepPurchases
from tests.adapters.orchestrator.conftest import World, memory_world
from tests.batches import by_key, random_split, told_in
from tests.unit.orchestrator.sagas import START, TOTAL_CENTS
from tests.unit.orchestrator.world import (
    HOLD,
    created,
    declined,
    insufficient,
    order_canceled,
    order_confirmed,
    paid,
    payment_canceled,
    random_messages,
    released,
    reserved,
    sold,
    submitted,
)


def kinds(messages: list[Any]) -> list[Any]:
    return [type(message) for message in messages]


async def test_a_purchase_goes_through(world: World) -> None:
    for message in (created(1), reserved(1), paid(1), sold(1), order_confirmed(1)):
        await world.batches.do(message)
    saga = await world.saga(1)
    assert (saga.state, saga.open, saga.token) == ("completed", False, "")
    assert saga.captured_cents == saga.purchase.total_cents == TOTAL_CENTS
    assert (saga.purchase.started_at, saga.purchase.hold_until) == (START, START + HOLD)
    assert [(what, state) for _, what, state in saga.timeline] == [
        ("OrderCreated", "reserving"),
        ("StockReserved", "paying"),
        ("PaymentConfirmed", "selling"),
        ("ReservationConfirmed", "confirming"),
        ("OrderConfirmed", "completed"),
    ]
    assert kinds(await world.told(1)) == [
        ReserveStock,
        RequestPayment,
        RecordProgress,
        ConfirmReservation,
        ConfirmOrder,
        SagaFinished,
    ]


async def test_a_purchase_goes_through_in_one_batch_just_as_well(world: World) -> None:
    await world.batches.do(created(1), reserved(1), paid(1), sold(1), order_confirmed(1))
    assert (await world.saga(1)).state == "completed"
    assert len(await world.told(1)) == 6


async def test_stock_that_is_short_cancels(world: World) -> None:
    await world.batches.do(created(1), insufficient(1))
    await world.batches.do(order_canceled(1))
    saga = await world.saga(1)
    assert (saga.state, saga.inventory_status, saga.reason) == (
        "canceled",
        "insufficient",
        "insufficient_stock",
    )
    told = await world.told(1)
    assert kinds(told) == [ReserveStock, CancelOrder, RecordProgress, SagaFinished]
    assert isinstance(told[2], RecordProgress)
    assert told[2].settled


async def test_a_cancellation_gives_money_back_before_stock(world: World) -> None:
    await world.batches.do(created(1), reserved(1), paid(1), order_canceled(1))
    await world.batches.do(payment_canceled(1, TOTAL_CENTS))
    await world.batches.do(released(1))
    saga = await world.saga(1)
    assert (saga.state, saga.refunded_cents) == ("canceled", TOTAL_CENTS)
    undone = [kind for kind in kinds(await world.told(1)) if kind in (CancelPayment, ReleaseStock)]
    assert undone == [CancelPayment, ReleaseStock]


async def test_another_card_may_be_tried_while_stock_is_held(world: World) -> None:
    await world.batches.do(created(1, payment=None), reserved(1), submitted(1, 1), declined(1, 1))
    assert (await world.saga(1)).state == "awaiting_payment"
    await world.batches.do(submitted(1, 2), declined(1, 1), paid(1, 2))
    assert (await world.saga(1)).state == "selling"


async def test_an_order_that_is_told_again_starts_nothing_but_is_told_how_it_stands(
    world: World,
) -> None:
    await world.batches.do(created(1), reserved(1))
    before = await world.told(1)
    await world.batches.do(created(1), created(1))
    again = (await world.told(1))[len(before) :]
    assert again == [before[-1]] * 2
    assert isinstance(before[-1], RecordProgress)
    assert (await world.saga(1)).state == "paying"


async def test_two_processes_start_a_purchase_once(world: World) -> None:
    other = world.process()
    await world.batches.do(created(1), created(2))
    await other.do(created(2), created(3))
    await world.batches.do(created(3), reserved(3))
    for order_id in (1, 2, 3):
        told = kinds(await world.told(order_id))
        assert told.count(ReserveStock) == 1


async def test_two_processes_with_the_same_saga_on_their_shelves_lose_nothing(
    world: World,
) -> None:
    other = world.process()
    await world.batches.do(created(1))
    await other.do(reserved(1))
    await world.batches.do(paid(1))
    await other.do(sold(1))
    await world.batches.do(order_confirmed(1))
    assert (await world.saga(1)).state == "completed"


async def test_messages_about_orders_without_a_saga_change_nothing(world: World) -> None:
    await world.batches.do(reserved(9), paid(9))
    assert await world.queries.get(9) is None
    assert await world.told(9) == []


# --- deadlines -----------------------------------------------------------------------------------


async def test_what_is_not_answered_is_asked_again_later_and_later(world: World) -> None:
    await world.batches.do(created(1))
    asked_at = []
    for _ in range(60):
        world.clock.advance(timedelta(seconds=15))
        if await world.batches.do_one(SweepPurchases()):
            asked_at.append((world.clock.now() - START).total_seconds())
    assert asked_at[:5] == [15, 45, 105, 225, 345]
    assert kinds(await world.told(1)) == [ReserveStock] * (1 + len(asked_at))
    assert (await world.saga(1)).asked == len(asked_at)


async def test_a_hold_that_ends_unpaid_is_undone(world: World) -> None:
    await world.batches.do(created(1, payment=None), reserved(1))
    world.clock.advance(HOLD - timedelta(seconds=1))
    assert await world.batches.do_one(SweepPurchases()) == 0
    world.clock.advance(timedelta(seconds=1))
    assert await world.batches.do_one(SweepPurchases()) == 1
    await world.batches.do(released(1))
    await world.batches.do(order_canceled(1))
    saga = await world.saga(1)
    assert (saga.state, saga.payment_status, saga.reason) == (
        "canceled",
        "expired",
        "payment_expired",
    )


async def test_a_sweep_and_a_message_of_its_batch_follow_one_another(world: World) -> None:
    await world.batches.do(created(1, payment=None), reserved(1))
    world.clock.advance(HOLD)
    await world.batches.do(SweepPurchases(), submitted(1, 1))
    assert (await world.saga(1)).state == "undoing_stock"


async def test_a_sweep_takes_so_many_and_leaves_those_at_rest(world: World) -> None:
    await world.batches.do(*(created(n) for n in range(1, 6)))
    await world.batches.do(insufficient(1), order_canceled(1))
    world.clock.advance(timedelta(seconds=15))
    assert await world.batches.do(*[SweepPurchases(3)] * 3) == [3, 1, 0]


async def test_after_a_loss_every_open_saga_asks_once_more(world: World) -> None:
    await world.batches.do(created(1), created(2), created(3, payment=None), reserved(3))
    await world.batches.do(insufficient(1), order_canceled(1))
    deadline = (await world.saga(2)).deadline
    assert await world.batches.do_one(AskAllAgain()) == 2
    assert kinds(await world.told(2)) == [ReserveStock] * 2
    assert (await world.saga(2)).deadline == deadline


async def test_an_administrator_makes_a_saga_ask_at_once(world: World) -> None:
    await world.batches.do(created(1), created(2), insufficient(2), order_canceled(2))
    assert (await world.batches.do_one(RetryPurchase(1))).state == "reserving"
    assert kinds(await world.told(1)) == [ReserveStock] * 2
    for order_id, code in ((2, "saga_at_rest"), (9, "saga_not_found")):
        refused = await world.batches.do_one(RetryPurchase(order_id))
        assert isinstance(refused, Refused)
        assert refused.code == code


# --- queries -------------------------------------------------------------------------------------


async def test_open_sagas_are_listed_the_oldest_first(world: World) -> None:
    await world.batches.do(*(created(n) for n in (3, 1, 2)), reserved(2))
    await world.batches.do(insufficient(1), order_canceled(1))
    found = await world.queries.find_open(overdue_only=False, sagas_max=10)
    assert [saga.purchase.order_id for saga in found] == [2, 3]
    found = await world.queries.find_open(overdue_only=False, sagas_max=1)
    assert [saga.purchase.order_id for saga in found] == [2]
    ages = {age.state: age for age in await world.queries.oldest_open()}
    assert {state: age.count for state, age in ages.items()} == {"reserving": 1, "paying": 1}
    assert all(age.oldest_seconds >= 0 for age in ages.values())


# --- both databases ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
async def test_memory_and_postgresql_come_to_the_same(postgres_world: World, seed: int) -> None:
    """However each of them cuts the messages into batches."""
    chance, memory = Random(seed), memory_world()
    for section in random_split(chance, random_messages(chance, 60)):
        for world in (postgres_world, memory):
            await world.batches.do_in_batches(random_split(chance, section))
            world.clock.advance(timedelta(seconds=400))
    told = by_key(told_in(await postgres_world.envelopes()))
    assert told == by_key(told_in(await memory.envelopes()))
    for order_id in range(1, 5):
        row, other = (
            await postgres_world.queries.get(order_id),
            await memory.queries.get(order_id),
        )
        if row and other:
            row.version = other.version = 0
        assert row == other
