"""What customers may do to orders, and what the saga is told again of it."""

from feira.contracts.orders import OrderCanceled, OrderCreated
from feira.kernel.errors import Refused
from feira.services.orders.application.cancel_order import NOT_FOUND, CancelOrder
from feira.services.orders.application.remind_saga import RemindSaga
from feira.services.orders.application.submit_payment import SubmitPayment
from feira.services.orders.domain.order import OrderStatus
from tests.unit.orders.world import CARD, CUSTOMER, STRANGER, World, pass_time, placing, product


async def placed(world: World) -> int:
    await world.batches.do_one(product(1))
    order = await world.batches.do_one(placing((1, 1)))
    return int(order.id)


async def test_an_order_of_somebody_else_is_not_there() -> None:
    """Neither to be canceled nor to be paid; and it is not told that it exists."""
    world = World()
    order_id = await placed(world)
    for command in (CancelOrder(order_id, STRANGER), SubmitPayment(order_id, STRANGER, CARD)):
        assert await world.batches.do_one(command) == NOT_FOUND
    assert world.tables.orders[order_id].status is OrderStatus.PENDING
    assert not isinstance(await world.batches.do_one(CancelOrder(order_id, CUSTOMER)), Refused)


async def test_an_administrator_may_cancel_anybodys() -> None:
    world = World()
    order_id = await placed(world)
    await world.batches.do_one(CancelOrder(order_id, None))
    assert world.tables.orders[order_id].status is OrderStatus.CANCELED


async def test_a_cancellation_that_the_saga_has_missed_is_told_again() -> None:
    world = World()
    order_id = await placed(world)
    await world.batches.do_one(CancelOrder(order_id, CUSTOMER))
    world.database.chassis.outbox.clear()
    pass_time(world, 3600)

    await world.batches.do_one(RemindSaga())

    assert [type(message) for message in world.told(order_id)] == [OrderCreated, OrderCanceled]
