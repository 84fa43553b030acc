"""The allotment: units of one product set aside, which only those sent by its owner may draw.

    open ─► closed

Of the units of an allotment some are left, the others were drawn by reservations: those come back
to it when they are released, as long as it is open, and to everybody's stock afterwards. Closing it
gives what is left to everybody. What was decided is remembered for good, so that the answer to a
repeat never changes; so is a closing that came before the setting aside.
"""

from dataclasses import dataclass
from datetime import datetime

from feira.services.inventory.domain.stock import StockItem


@dataclass(slots=True)
class Allotment:
    id: int
    product_id: int | None
    """None: it was closed before it was heard of."""
    units: int
    """As many as were set aside."""
    left: int
    """Of these, not drawn."""
    set_aside_at: datetime
    closed_at: datetime | None = None
    given_back: int = 0
    """Left when it was closed."""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


def set_aside(allotment_id: int, item: StockItem, wanted: int, now: datetime) -> Allotment:
    """As many as are wanted, or as are available."""
    assert wanted > 0, f"{wanted} units"
    units = min(wanted, item.available)
    item.allotted += units
    return Allotment(allotment_id, item.product_id, units, units, now)


def close(allotment: Allotment, item: StockItem, now: datetime) -> bool:
    """Give back what is left. False: it is closed already."""
    if not allotment.is_open:
        return False
    item.allotted -= allotment.left
    allotment.given_back, allotment.left = allotment.left, 0
    allotment.closed_at = now
    return True


def closed_unheard(allotment_id: int, now: datetime) -> Allotment:
    """For one given up before it was set aside: it will have no units, whatever comes later."""
    return Allotment(allotment_id, None, 0, 0, now, closed_at=now)


def draw(allotment: Allotment, item: StockItem, quantity: int) -> None:
    """Promise units of it to an order."""
    assert quantity <= allotment.left, f"{quantity} of {allotment}"
    allotment.left -= quantity
    item.allotted -= quantity
    item.reserved += quantity


def put_back(allotment: Allotment, item: StockItem, quantity: int) -> None:
    """Units that were drawn are free again, for the allotment if it is open."""
    if allotment.is_open:
        allotment.left += quantity
        item.allotted += quantity
