"""Holds end by themselves, and the saga hears of it."""

from datetime import timedelta

from feira.contracts.inventory import ReservationReleased
from feira.services.inventory.application.expire_reservations import ExpireReservations
from tests.unit.inventory.world import in_memory, reserve


async def test_holds_that_end_are_told_of_once() -> None:
    world = in_memory()
    await world.with_stock({1: 3})
    await world.do(reserve(17, (1, 1), hold_seconds=60), reserve(18, (1, 2), hold_seconds=600))
    assert await world.item(1) == (3, 3)
    assert (await world.do(ExpireReservations())).answers == [], "it is too early"

    world.clock.advance(timedelta(seconds=60))
    told = await world.do(ExpireReservations())

    assert told.answers == [ReservationReleased(order_id=17, expired=True)]
    assert await world.item(1) == (3, 2)
    assert (await world.do(ExpireReservations())).answers == [], "it is told once"
