"""What `catalog` tells the world. Topic `catalog.events`, keyed by the product."""

from typing import ClassVar

from feira.contracts.message import Message
from feira.contracts.units import Ordinal, Pieces, Rows

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


class ProductsRepeated(Message, frozen=True, kw_only=True):
    """A page of products was told again: so many, up to `last_id` (none: there are no more).

    The answer to ProductsWanted. The products' own messages may come before it or after it.
    """

    TYPE: ClassVar[str] = "feira.catalog.products_repeated.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "request_id"

    request_id: str
    told: Rows
    last_id: int | None = None


class LevelsWanted(Message, frozen=True, kw_only=True):
    """The catalog makes its copy of the stock levels anew: it wants those of the next products
    after `after_id`. Answered by LevelsRepeated."""

    TYPE: ClassVar[str] = "feira.catalog.levels_wanted.v1"
    TOPIC: ClassVar[str] = "catalog.wishes"
    KEY: ClassVar[str] = "request_id"

    request_id: str
    after_id: int
