"""A thousand customers for a hundred units: first come, first served, none too many (B7)."""

from random import Random

import pytest

from feira.contracts.inventory import StockInsufficient, StockReserved
from tests.unit.inventory.world import check_books, in_memory, random_split, reserve


@pytest.mark.parametrize("seed", range(5))
async def test_exactly_what_there_is_is_held(seed: int) -> None:
    world = in_memory()
    await world.with_stock({1: 100})
    wishes = [reserve(order_id, (1, 1)) for order_id in range(1, 1001)]
    told = await world.do_in_batches(random_split(Random(seed), wishes))
    assert [type(answer) for answer in told.answers] == [
        *[StockReserved] * 100,
        *[StockInsufficient] * 900,
    ]
    assert await world.item(1) == (100, 100)
    check_books(await world.books())
