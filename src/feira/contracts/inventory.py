"""What `inventory` tells the world. Topic `inventory.events`.

Reservations are keyed by the order they are for, stock levels by the product.
"""

from typing import ClassVar

import msgspec

from feira.contracts.message import Message
from feira.contracts.units import Ordinal, Pieces

TOPIC = "inventory.events"


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
    """How much of a product there is; a higher `version` replaces a lower one."""

    TYPE: ClassVar[str] = "feira.inventory.stock_level_changed.v1"
    TOPIC: ClassVar[str] = "inventory.levels"
    KEY: ClassVar[str] = "product_id"

    product_id: int
    on_hand: Pieces
    reserved: Pieces
    available: Pieces
    version: Ordinal
