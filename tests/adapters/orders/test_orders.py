"""Orders, from being placed to being settled: the same on every database."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from feira.contracts.orders import (
    OrderCanceled,
    OrderCompleted,
    OrderConfirmed,
    OrderCreated,
    OrderPaymentSubmitted,
    OrderShipped,
)
from feira.kernel.errors import Category, Refused
from feira.services.orders.application.advance_order import AdvanceOrder
from feira.services.orders.application.cancel_order import CancelOrder
from feira.services.orders.application.place_order import PlaceOrder
from feira.services.orders.application.remind_saga import RemindSaga
from feira.services.orders.application.submit_payment import SubmitPayment
from feira.services.orders.domain.order import Order, OrderStatus, WantedLine, Wish
from tests.adapters.orders.conftest import World, memory_world
from tests.batches import Batches, by_key, random_split, told_in
from tests.unit.orders.world import (
    CARD,
    CUSTOMER,
    STRANGER,
    RandomCommands,
    confirming,
    giving_up,
    placing,
    product,
    progress,
    removed,
)


async def place(world: World, *, by: Batches | None = None, **wish: Any) -> Order:
    """Product 1 at 10.00, which is put on sale first."""
    batches = by or world.batches
    await batches.do(product(1))
    order = await batches.do_one(placing((1, 2), **wish))
    assert isinstance(order, Order)
    return order


def kinds(messages: list[Any]) -> list[Any]:
    return [type(message) for message in messages]


async def test_an_order_is_kept_as_it_was_placed(world: World) -> None:
    await world.batches.do(product(1, 19_99), product(2, 5_00))
    delivery = '{"address":{"city":"São Paulo"}}'.encode()
    lines = [WantedLine(1, 1), WantedLine(2, 3), WantedLine(1, 1)]
    placed = await world.batches.do_one(
        PlaceOrder(Wish(CUSTOMER, lines, delivery=delivery, payment=CARD))
    )
    found = await world.order(placed.id)
    assert found == placed
    assert [(line.product_id, line.quantity) for line in found.lines] == [(1, 2), (2, 3)]
    assert (found.total_cents, found.delivery, found.payment) == (54_98, delivery, CARD)
    (created,) = await world.told(placed.id)
    assert isinstance(created, OrderCreated)
    assert (created.total_cents, created.customer_id) == (54_98, CUSTOMER)
    assert created.payment is not None


async def test_every_change_of_an_order_is_kept(world: World) -> None:
    order = await place(world)
    await world.batches.do(progress(order.id, 2))
    await world.batches.do(SubmitPayment(order.id, CUSTOMER, CARD))
    await world.batches.do(confirming(order.id, 20_00))
    await world.batches.do(AdvanceOrder(order.id, OrderStatus.SHIPPED, "BR123"))
    shipped = await world.order(order.id)
    assert (shipped.status, shipped.tracking, shipped.payment) == ("shipped", "BR123", CARD)
    assert (shipped.captured_cents, shipped.step, shipped.settled) == (20_00, 2, True)
    await world.batches.do(AdvanceOrder(order.id, OrderStatus.COMPLETED))
    assert (await world.order(order.id)).status == "completed"
    assert kinds(await world.told(order.id)) == [
        OrderCreated,
        OrderPaymentSubmitted,
        OrderConfirmed,
        OrderShipped,
        OrderCompleted,
    ]


async def test_of_cancel_and_confirm_in_one_batch_the_first_wins(world: World) -> None:
    first, second = await place(world), await place(world)
    _, _, _, too_late = await world.batches.do(
        CancelOrder(first.id, CUSTOMER),
        confirming(first.id),
        confirming(second.id),
        CancelOrder(second.id, CUSTOMER),
    )
    assert isinstance(too_late, Refused)
    assert too_late.code == "order_already_paid"
    assert (await world.order(first.id)).status == "canceled"
    assert (await world.order(second.id)).status == "paid"
    assert kinds(await world.told(first.id)) == [OrderCreated, OrderCanceled, OrderCanceled]
    assert kinds(await world.told(second.id)) == [OrderCreated, OrderConfirmed]


async def test_two_processes_race_for_an_order_and_one_wins(world: World) -> None:
    """The second process decides on a stale order from its shelf, and has to look again."""
    order = await place(world)
    other = world.process()
    await other.do(progress(order.id, 2))  # now it is on both shelves
    await world.batches.do(progress(order.id, 3))
    await other.do(confirming(order.id))
    canceled = await world.batches.do_one(CancelOrder(order.id, CUSTOMER))
    assert isinstance(canceled, Refused)
    assert (await world.order(order.id)).status == "paid"
    assert kinds(await world.told(order.id)) == [OrderCreated, OrderConfirmed]


async def test_a_refusal_from_a_stale_order_is_found_out_too(world: World) -> None:
    """Nothing is written: reading alone has to be checked."""
    order = await place(world)
    other = world.process()
    await world.batches.do(SubmitPayment(order.id, CUSTOMER, CARD))
    await other.do(progress(order.id, 4, payment="declined"))
    paying = await world.batches.do_one(SubmitPayment(order.id, CUSTOMER, CARD))
    assert isinstance(paying, Order)
    assert (await world.order(order.id)).payment_attempts == 2


async def test_nobody_cancels_or_pays_anothers_order(world: World) -> None:
    order = await place(world)
    for command in (
        CancelOrder(order.id, STRANGER),
        SubmitPayment(order.id, STRANGER, CARD),
        CancelOrder(404, None),
        AdvanceOrder(404, OrderStatus.SHIPPED),
    ):
        refused = await world.batches.do_one(command)
        assert isinstance(refused, Refused)
        assert (refused.category, refused.code) == (Category.NOT_FOUND, "order_not_found")
    assert isinstance(await world.batches.do_one(CancelOrder(order.id, None)), Order)


async def test_an_order_that_is_given_up_is_canceled(world: World) -> None:
    order = await place(world)
    await world.batches.do(giving_up(order.id), progress(order.id, 3, "insufficient", settled=True))
    found = await world.order(order.id)
    assert (found.status, found.reason, found.settled) == ("canceled", "insufficient_stock", True)


async def test_a_command_about_an_order_that_never_was_is_a_bug(world: World) -> None:
    with pytest.raises(KeyError):
        await world.batches.do(confirming(404))


# --- prices --------------------------------------------------------------------------------------


async def test_the_newest_price_counts_in_whatever_order_it_comes(world: World) -> None:
    await world.batches.do(product(1, 30_00, version=3))
    await world.batches.do(product(1, 10_00, version=1), product(1, 20_00, version=2))
    order = await world.batches.do_one(placing((1, 1)))
    assert order.total_cents == 30_00


async def test_a_price_of_the_same_batch_counts(world: World) -> None:
    _, first, _, second = await world.batches.do(
        product(1, 10_00), placing((1, 1)), product(1, 20_00, version=2), placing((1, 1))
    )
    assert (first.total_cents, second.total_cents) == (10_00, 20_00)


async def test_what_was_removed_is_not_sold_even_if_older_news_come_later(world: World) -> None:
    await world.batches.do(product(1), removed(1, version=5))
    await world.batches.do(product(1, version=2))
    refused = await world.batches.do_one(placing((1, 1)))
    assert isinstance(refused, Refused)
    assert refused.code == "unknown_product"
    await world.batches.do(product(1, version=6))
    assert isinstance(await world.batches.do_one(placing((1, 1))), Order)


# --- reminding -----------------------------------------------------------------------------------


async def test_the_saga_is_reminded_of_quiet_orders_each_time_later(world: World) -> None:
    order = await place(world)
    waits = []
    for _ in range(4):
        seconds = 0
        while (await world.batches.do_one(RemindSaga())) == 0:
            world.clock.advance(timedelta(seconds=10))
            seconds += 10
        waits.append(seconds)
    assert waits == [30, 60, 120, 240]
    assert kinds(await world.told(order.id)) == [OrderCreated] * 5


async def test_it_is_reminded_of_all_that_it_may_have_missed(world: World) -> None:
    order = await place(world)
    await world.batches.do(SubmitPayment(order.id, CUSTOMER, CARD), CancelOrder(order.id, None))
    before = len(await world.told(order.id))
    assert await world.batches.do_one(RemindSaga(quiet_seconds=0)) == 1
    assert kinds((await world.told(order.id))[before:]) == [
        OrderCreated,
        OrderPaymentSubmitted,
        OrderCanceled,
    ]


async def test_settled_orders_are_left_alone_and_reminders_are_bounded(world: World) -> None:
    orders = [await place(world) for _ in range(3)]
    await world.batches.do(confirming(orders[0].id))
    assert await world.batches.do(RemindSaga(0, 1), RemindSaga(0, 500)) == [1, 2]


# --- queries -------------------------------------------------------------------------------------


async def test_orders_are_found_newest_first_a_page_at_a_time(world: World) -> None:
    mine = [(await place(world)).id for _ in range(3)]
    theirs = (await place(world, customer_id=STRANGER)).id
    await world.batches.do(CancelOrder(mine[1], None))

    async def find(**by: Any) -> list[int]:
        criteria = {"customer_id": None, "status": None, "before_id": None, "orders_max": 10}
        return [found.id for found in await world.queries.find(**criteria | by)]

    assert await find() == [theirs, *reversed(mine)]
    assert await find(customer_id=CUSTOMER) == [*reversed(mine)]
    assert await find(customer_id=CUSTOMER, orders_max=2) == [mine[2], mine[1]]
    assert await find(customer_id=CUSTOMER, before_id=mine[1]) == [mine[0]]
    assert await find(status=OrderStatus.CANCELED) == [mine[1]]
    assert await find(customer_id=STRANGER, status=OrderStatus.CANCELED) == []
    assert await world.queries.get(404) is None


# --- both databases ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
async def test_memory_and_postgresql_come_to_the_same(postgres_world: World, seed: int) -> None:
    """However each of them cuts the commands into batches."""
    chance, memory = Random(seed), memory_world()
    for section in random_split(chance, RandomCommands(seed).take(60)):
        for world in (postgres_world, memory):
            await world.batches.do_in_batches(random_split(chance, section))
            world.clock.advance(timedelta(seconds=45))
    told = by_key(told_in(await postgres_world.envelopes()))
    assert told == by_key(told_in(await memory.envelopes()))
    for order_id in {int(key) for topic, key in told if topic == "orders.events"}:
        row, other = await postgres_world.order(order_id), await memory.order(order_id)
        row.version = other.version = 0
        assert row == other
