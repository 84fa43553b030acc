"""The stock item: how much of a product there is, and how much of that is promised.

available = on_hand − reserved − allotted            0 ≤ reserved + allotted ≤ on_hand, always
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from feira.kernel.errors import Category, Refused

ON_HAND_MAX: Final = 10**12
MOVED_MAX: Final = 10**9
"""Units of one receipt, adjustment or count."""


@dataclass(slots=True)
class StockItem:
    product_id: int
    on_hand: int
    reserved: int = 0
    version: int = 0
    """Rises by one with every batch that changes it."""
    allotted: int = 0
    """Set aside and not drawn."""

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.allotted


class MovementKind(StrEnum):
    RECEIPT = "receipt"
    ADJUSTMENT = "adjustment"
    COUNT = "count"
    RESTOCK = "restock"


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of on_hand and its reason.

    Sales are not written as movements: a confirmed reservation is one. The view `stock_ledger`
    shows both.
    """

    id: int
    product_id: int
    kind: MovementKind
    quantity: int
    """Signed: what it added to on_hand."""
    reason: str | None
    reference: str | None
    """What it comes from: `order/17`, `user/4`, `product/9`."""
    at: datetime


def move(item: StockItem, quantity: int) -> Refused | None:
    """Add to on_hand, or take from it what is not promised to anybody."""
    on_hand = item.on_hand + quantity
    if on_hand < item.reserved + item.allotted:
        also = f" and {item.allotted} set aside" if item.allotted else ""
        return Refused(
            Category.CONFLICT,
            "would_go_below_reserved",
            f"{item.reserved} are reserved{also}, and {on_hand} would be on hand.",
        )
    if on_hand > ON_HAND_MAX:
        return Refused(
            Category.CONFLICT, "too_much_stock", f"More than {ON_HAND_MAX} would be on hand."
        )
    item.on_hand = on_hand
    return None
