"""Orders that a flash sale requests, again and again until it knows what became of each."""

from feira.contracts.orders import OrderCreated, SaleOrderSettled
from tests.unit.orders.world import DROP, SALE_ORDER, World, giving_up, progress, requesting

AGAIN = 3


async def test_what_became_of_an_order_is_told_as_often_as_it_is_asked() -> None:
    """An answer may be lost, and the drop holds a unit until it has one."""
    world = World()
    await world.batches.do_one(requesting(SALE_ORDER))
    await world.batches.do_one(giving_up(SALE_ORDER))
    await world.batches.do_one(progress(SALE_ORDER, 9, "insufficient", settled=True))
    world.database.chassis.outbox.clear()

    for _ in range(AGAIN):
        await world.batches.do_one(requesting(SALE_ORDER))

    settled = SaleOrderSettled(allotment_id=DROP, order_id=SALE_ORDER, is_sold=False)
    assert world.told() == [settled] * AGAIN


async def test_an_order_that_is_not_at_rest_is_neither_made_again_nor_told_of() -> None:
    world = World()
    for _ in range(AGAIN):
        await world.batches.do_one(requesting(SALE_ORDER, SALE_ORDER + 1))
    assert [type(message) for message in world.told()] == [OrderCreated] * 2
