"""What is set aside for a flash sale: as much as is free, for those it sends, until it is over."""

from datetime import timedelta

import pytest

from feira.services.inventory.domain.allotment import (
    Allotment,
    close,
    closed_unheard,
    draw,
    put_back,
    set_aside,
)
from feira.services.inventory.domain.reservation import (
    Reservation,
    ReservationStatus,
    Shortage,
    confirm,
    expire,
    hold_from,
    merged,
    release,
)
from feira.services.inventory.domain.stock import StockItem
from tests.unit.inventory.world import START

ENDS_AT = START + timedelta(minutes=15)


def drawn(allotment: Allotment | None, item: StockItem, quantity: int = 1) -> Reservation:
    return hold_from(70, allotment, 17, merged([(item.product_id, quantity)]), {1: item}, ENDS_AT)


def test_no_more_is_set_aside_than_nobody_was_promised() -> None:
    item = StockItem(1, 10, reserved=4, allotted=3)
    assert set_aside(70, item, 9, START).units == 3
    assert (item.allotted, item.available) == (6, 0)
    assert set_aside(71, item, 9, START).units == 0


def test_what_is_drawn_is_promised_and_no_longer_set_aside() -> None:
    item = StockItem(1, 10)
    allotment = set_aside(70, item, 5, START)
    draw(allotment, item, 2)
    assert (allotment.left, item.allotted, item.reserved, item.available) == (3, 3, 2, 5)
    with pytest.raises(AssertionError):
        draw(allotment, item, 4)


def test_an_order_draws_on_an_allotment_of_its_product_that_has_enough() -> None:
    item = StockItem(1, 10)
    allotment = set_aside(70, item, 2, START)
    of_another = set_aside(71, StockItem(2, 10), 5, START)
    for source, left in ((None, 0), (of_another, 0), (allotment, 2)):
        refused = drawn(source, item, 3)
        assert refused.missing == (Shortage(1, 3, left),)
    assert drawn(of_another, item).status is ReservationStatus.REFUSED
    assert (of_another.left, allotment.left, item.reserved) == (5, 2, 0)
    assert drawn(allotment, item).allotment_id == 70
    assert close(allotment, item, START)
    assert drawn(allotment, item).missing == (Shortage(1, 1, 0),)


@pytest.mark.parametrize("undone", [release, expire])
def test_a_unit_comes_back_to_its_allotment_while_it_is_open(undone: object) -> None:
    assert callable(undone)
    item = StockItem(1, 10)
    allotment = set_aside(70, item, 5, START)
    early, late = drawn(allotment, item), drawn(allotment, item)
    assert undone(early, {1: item}, {70: allotment})
    assert (allotment.left, item.allotted, item.reserved, item.available) == (4, 4, 1, 5)
    assert close(allotment, item, START)
    assert undone(late, {1: item}, {70: allotment})
    assert (allotment.left, item.allotted, item.reserved, item.available) == (0, 0, 0, 10)


def test_a_sale_that_is_undone_after_the_end_is_everybodys() -> None:
    item = StockItem(1, 10)
    allotment = set_aside(70, item, 5, START)
    sold = drawn(allotment, item)
    assert confirm(sold, {1: item}, START)
    assert close(allotment, item, START)
    assert release(sold, {1: item}, {70: allotment})
    assert (allotment.left, item.allotted, item.available) == (0, 0, 10)


def test_it_is_closed_once() -> None:
    item = StockItem(1, 10)
    allotment = set_aside(70, item, 5, START)
    draw(allotment, item, 2)
    assert close(allotment, item, START)
    assert not close(allotment, item, START + timedelta(hours=1))
    assert (allotment.given_back, allotment.closed_at) == (3, START)
    assert (item.allotted, item.available) == (0, 8)


def test_one_that_was_closed_unheard_has_nothing() -> None:
    item, allotment = StockItem(1, 10), closed_unheard(70, START)
    assert drawn(allotment, item).status is ReservationStatus.REFUSED
    put_back(allotment, item, 1)
    assert (allotment.left, item.allotted) == (0, 0)
