"""A stock item: what is promised cannot be taken away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.errors import Category, Refused
from feira.services.inventory.domain.stock import ON_HAND_MAX, StockItem, move


def test_receipts_add_and_adjustments_take() -> None:
    item = StockItem(1, on_hand=10, reserved=4)
    assert move(item, 5) is None
    assert move(item, -11) is None
    assert (item.on_hand, item.reserved, item.available) == (4, 4, 0)


def test_what_is_reserved_cannot_be_taken() -> None:
    item = StockItem(1, on_hand=10, reserved=4)
    refused = move(item, -7)
    assert isinstance(refused, Refused)
    assert (refused.category, refused.code) == (Category.CONFLICT, "would_go_below_reserved")
    assert (item.on_hand, item.reserved) == (10, 4)


def test_there_is_a_limit_to_what_is_on_hand() -> None:
    item = StockItem(1, on_hand=ON_HAND_MAX)
    refused = move(item, 1)
    assert isinstance(refused, Refused)
    assert refused.code == "too_much_stock"
    assert item.on_hand == ON_HAND_MAX


@given(
    on_hand=st.integers(0, 50),
    reserved=st.integers(0, 50),
    quantity=st.integers(-100, 100),
)
def test_an_item_stays_valid_whatever_is_moved(on_hand: int, reserved: int, quantity: int) -> None:
    item = StockItem(1, max(on_hand, reserved), reserved)
    before = item.on_hand
    refused = move(item, quantity)
    assert item.on_hand == (before if refused else before + quantity)
    assert item.on_hand >= item.reserved


@pytest.mark.parametrize(("on_hand", "reserved"), [(0, 0), (3, 1), (5, 5)])
def test_available_is_what_is_not_promised(on_hand: int, reserved: int) -> None:
    assert StockItem(1, on_hand, reserved).available == on_hand - reserved
