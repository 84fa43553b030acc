"""A reservation's decisions: all lines or none, and whatever comes first wins."""

from datetime import timedelta

import pytest

from feira.services.inventory.domain.allotment import set_aside
from feira.services.inventory.domain.reservation import (
    Line,
    Reservation,
    ReservationStatus,
    Shortage,
    confirm,
    expire,
    hold,
    hold_from,
    merged,
    release,
    tombstone,
)
from feira.services.inventory.domain.stock import StockItem
from tests.unit.inventory.world import START

ENDS_AT = START + timedelta(minutes=15)
AT_REST = set(ReservationStatus) - {ReservationStatus.HELD, ReservationStatus.CONFIRMED}


def stock(**on_hand: int) -> dict[int, StockItem]:
    """stock(p1=10) -> product 1 with 10 on hand."""
    ids = {int(name[1:]): units for name, units in on_hand.items()}
    return {product_id: StockItem(product_id, units) for product_id, units in ids.items()}


def held(items: dict[int, StockItem], *lines: tuple[int, int]) -> Reservation:
    reservation = hold(17, merged(lines), items, ENDS_AT)
    assert reservation.status is ReservationStatus.HELD
    return reservation


def test_what_is_set_aside_is_not_available_to_others() -> None:
    items = {1: StockItem(1, 10, allotted=8)}
    refused = hold(17, merged([(1, 3)]), items, ENDS_AT)
    assert refused.missing == (Shortage(1, 3, 2),)
    assert items[1].reserved == 0


def test_what_is_held_is_no_longer_available() -> None:
    items = stock(p1=10, p2=1)
    reservation = held(items, (1, 3), (2, 1))
    assert reservation.lines == (Line(1, 3), Line(2, 1))
    assert reservation.expires_at == ENDS_AT
    assert (items[1].on_hand, items[1].reserved, items[1].available) == (10, 3, 7)
    assert items[2].available == 0


def test_one_short_line_holds_nothing_and_every_short_line_is_named() -> None:
    items = stock(p1=10, p2=1, p3=0)
    reservation = hold(17, merged([(1, 3), (2, 2), (3, 1), (99, 1)]), items, ENDS_AT)
    assert reservation.status is ReservationStatus.REFUSED
    assert reservation.missing == (Shortage(2, 2, 1), Shortage(3, 1, 0), Shortage(99, 1, 0))
    assert [item.reserved for item in items.values()] == [0, 0, 0]


def test_two_lines_of_a_product_are_one() -> None:
    assert merged([(1, 2), (2, 1), (1, 3)]) == (Line(1, 5), Line(2, 1))


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_line_without_units_is_a_bug(quantity: int) -> None:
    with pytest.raises(AssertionError):
        merged([(1, quantity)])


def test_a_sale_takes_from_what_is_on_hand() -> None:
    items = stock(p1=10)
    reservation = held(items, (1, 3))
    assert confirm(reservation, items, START)
    assert reservation.status is ReservationStatus.CONFIRMED
    assert reservation.confirmed_at == START
    assert (items[1].on_hand, items[1].reserved) == (7, 0)


def test_a_released_hold_is_available_again() -> None:
    items = stock(p1=10)
    reservation = held(items, (1, 3))
    assert release(reservation, items)
    assert reservation.status is ReservationStatus.RELEASED
    assert (items[1].on_hand, items[1].reserved) == (10, 0)


def test_a_released_sale_is_restocked_and_stays_known_as_a_sale() -> None:
    items = stock(p1=10)
    reservation = held(items, (1, 3))
    confirm(reservation, items, START)
    assert release(reservation, items)
    assert reservation.status is ReservationStatus.RELEASED
    assert reservation.confirmed_at == START
    assert (items[1].on_hand, items[1].reserved) == (10, 0)


def test_a_sale_of_what_was_set_aside_goes_back_there_when_it_is_undone() -> None:
    """The flash sale counts its unit as free again, for the next who claims it."""
    items = stock(p1=10)
    allotment = set_aside(500, items[1], 2, START)
    reservation = hold_from(500, allotment, 17, (Line(1, 1),), items, START)
    confirm(reservation, items, START)
    assert (allotment.left, items[1].allotted, items[1].on_hand) == (1, 1, 9)
    assert release(reservation, items, {500: allotment})
    assert (allotment.left, items[1].allotted, items[1].on_hand) == (2, 2, 10)


def test_an_expired_hold_is_available_again() -> None:
    items = stock(p1=10)
    reservation = held(items, (1, 3))
    assert expire(reservation, items)
    assert reservation.status is ReservationStatus.EXPIRED
    assert (items[1].on_hand, items[1].reserved) == (10, 0)


def test_only_a_hold_can_be_confirmed_or_expire() -> None:
    for status in set(ReservationStatus) - {ReservationStatus.HELD}:
        items, reservation = stock(p1=10), Reservation(17, status, (Line(1, 3),))
        assert not confirm(reservation, items, START)
        assert not expire(reservation, items)
        assert reservation.status is status
        assert (items[1].on_hand, items[1].reserved) == (10, 0)


@pytest.mark.parametrize("status", sorted(AT_REST))
def test_what_promises_nothing_has_nothing_to_release(status: ReservationStatus) -> None:
    items, reservation = stock(p1=10), Reservation(17, status, (Line(1, 3),))
    assert not reservation.promises
    assert not release(reservation, items)
    assert reservation.status is status
    assert (items[1].on_hand, items[1].reserved) == (10, 0)


def test_a_tombstone_holds_nothing() -> None:
    assert tombstone(17) == Reservation(17, ReservationStatus.RELEASED)
    assert not tombstone(17).promises
