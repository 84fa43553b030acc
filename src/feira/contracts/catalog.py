"""What `catalog` tells the world. Topic `catalog.events`, keyed by the product."""

from typing import ClassVar

from feira.contracts.message import Message
from feira.contracts.units import Ordinal, Pieces

TOPIC = "catalog.events"


class ProductChanged(Message, frozen=True, kw_only=True):
    """A product as it now is: created, changed, or said again. A higher `version` wins.

    `initial_stock` is the first receipt, asked for when the product was created; it counts once,
    however often it is said.
    """

    TYPE: ClassVar[str] = "feira.catalog.product_changed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "product_id"

    product_id: int
    code: str
    name: str
    price_cents: int
    version: Ordinal
    initial_stock: Pieces = 0


class ProductRemoved(Message, frozen=True, kw_only=True):
    """The product is no longer sold."""

    TYPE: ClassVar[str] = "feira.catalog.product_removed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "product_id"

    product_id: int
    version: Ordinal
