"""What `inventory` tells the world. Topic `inventory.events`.

Reservations are keyed by the order they are for, stock levels by the product, allotments by
themselves.
"""

from typing import ClassVar

import msgspec

from feira.contracts.message import Message
from feira.contracts.units import Ordinal, Pieces, Rows

TOPIC = "inventory.events"
ALLOTMENTS_TOPIC = "inventory.allotments"


class MissingStock(msgspec.Struct, frozen=True, kw_only=True):
    product_id: int
    requested: Pieces
    available: Pieces


class StockReserved(Message, frozen=True, kw_only=True):
    """All lines of the order are held."""

    TYPE: ClassVar[str] = "feira.inventory.stock_reserved.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int


class StockInsufficient(Message, frozen=True, kw_only=True):
    """Nothing is held: these lines are short."""

    TYPE: ClassVar[str] = "feira.inventory.stock_insufficient.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    missing: tuple[MissingStock, ...]


class ReservationConfirmed(Message, frozen=True, kw_only=True):
    """What was held is sold."""

    TYPE: ClassVar[str] = "feira.inventory.reservation_confirmed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int


class ReservationReleased(Message, frozen=True, kw_only=True):
    """Nothing is held or sold for the order (any more). `expired`: the hold ended by itself."""

    TYPE: ClassVar[str] = "feira.inventory.reservation_released.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    expired: bool = False


class StockLevelChanged(Message, frozen=True, kw_only=True):
    """How much of a product there is; a higher `version` replaces a lower one.

    `available` = on_hand - reserved - allotted.
    """

    TYPE: ClassVar[str] = "feira.inventory.stock_level_changed.v1"
    TOPIC: ClassVar[str] = "inventory.levels"
    KEY: ClassVar[str] = "product_id"

    product_id: int
    on_hand: Pieces
    reserved: Pieces
    available: Pieces
    version: Ordinal
    allotted: Pieces = 0


class StockSetAside(Message, frozen=True, kw_only=True):
    """So many units are set aside: as many as were asked for, or as there were."""

    TYPE: ClassVar[str] = "feira.inventory.stock_set_aside.v1"
    TOPIC: ClassVar[str] = ALLOTMENTS_TOPIC
    KEY: ClassVar[str] = "allotment_id"

    allotment_id: int
    product_id: int
    quantity: Pieces


class StockGivenBack(Message, frozen=True, kw_only=True):
    """The allotment is closed: so many of its units nobody drew, and are for everybody again."""

    TYPE: ClassVar[str] = "feira.inventory.stock_given_back.v1"
    TOPIC: ClassVar[str] = ALLOTMENTS_TOPIC
    KEY: ClassVar[str] = "allotment_id"

    allotment_id: int
    quantity: Pieces


class LevelsRepeated(Message, frozen=True, kw_only=True):
    """A page of levels was told again: so many, up to `last_id` (none: there are no more).

    The answer to LevelsWanted. The levels' own messages may come before it or after it.
    """

    TYPE: ClassVar[str] = "feira.inventory.levels_repeated.v1"
    TOPIC: ClassVar[str] = "inventory.levels"
    KEY: ClassVar[str] = "request_id"

    request_id: str
    told: Rows
    last_id: int | None = None
