"""The product: what is sold, at which price.

    created ─► changed ─► … ─► removed: no longer sold or listed, never sold again

A code belongs to one live product at a time; a removed product gives its code back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from feira.kernel.errors import Category as Kind
from feira.kernel.errors import FieldError, Refused

T = TypeVar("T")

CODE_LENGTH_MAX: Final = 64
NAME_LENGTH_MAX: Final = 200
DESCRIPTION_LENGTH_MAX: Final = 10_000
CATEGORIES_A_PRODUCT_MAX: Final = 20
ATTRIBUTES_MAX: Final = 50
INITIAL_STOCK_MAX: Final = 10**9
PRICE_CENTS_MIN: Final = 1
PRICE_CENTS_MAX: Final = 10**12

PRODUCT_NOT_FOUND: Final = Refused(Kind.NOT_FOUND, "product_not_found", "There is no such product.")
CODE_TAKEN: Final = Refused(
    Kind.CONFLICT,
    "code_taken",
    "Another product has this code.",
    (FieldError("/code", "is another product's"),),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a product is made of."""

    code: str
    name: str
    price_cents: int
    description: str = ""
    category_ids: tuple[int, ...] = ()
    attributes: bytes = b"{}"
    """A JSON object as accepted; the domain does not read it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """None: as it is."""

    code: str | None = None
    name: str | None = None
    price_cents: int | None = None
    description: str | None = None
    category_ids: tuple[int, ...] | None = None
    attributes: bytes | None = None


@dataclass(slots=True)
class Product:
    id: int
    code: str
    name: str
    price_cents: int
    description: str
    category_ids: tuple[int, ...]
    attributes: bytes
    initial_stock: int
    """The first receipt, asked for at creation; said with every announcement, counted once."""
    created_at: datetime
    version: int = 1
    """Rises by one with every change, the removal included."""
    removed: bool = False


def create(product_id: int, draft: Draft, initial_stock: int, now: datetime) -> Product:
    assert PRICE_CENTS_MIN <= draft.price_cents <= PRICE_CENTS_MAX, draft
    assert 0 <= initial_stock <= INITIAL_STOCK_MAX, initial_stock
    return Product(
        id=product_id,
        code=draft.code,
        name=draft.name,
        price_cents=draft.price_cents,
        description=draft.description,
        category_ids=_each_once(draft.category_ids),
        attributes=draft.attributes,
        initial_stock=initial_stock,
        created_at=now,
    )


def change(product: Product, changes: Changes) -> bool:
    """Whether anything is different now."""
    assert not product.removed, product
    before = _contents(product)
    product.code = _either(changes.code, product.code)
    product.name = _either(changes.name, product.name)
    product.price_cents = _either(changes.price_cents, product.price_cents)
    product.description = _either(changes.description, product.description)
    product.category_ids = _each_once(_either(changes.category_ids, product.category_ids))
    product.attributes = _either(changes.attributes, product.attributes)
    if _contents(product) == before:
        return False
    product.version += 1
    return True


def remove(product: Product) -> None:
    assert not product.removed, product
    product.removed = True
    product.version += 1


class CodeBook:
    """Which live product has which code, among those that are at stake."""

    def __init__(self, holders: Mapping[str, Product]) -> None:
        self._holders = dict(holders)

    def is_taken(self, code: str, *, but_by: int | None = None) -> bool:
        """Whether a live product other than `but_by` has the code."""
        holder = self._holders.get(code)
        if holder is None or holder.removed or holder.code != code:
            return False
        return holder.id != but_by

    def note(self, product: Product) -> None:
        self._holders[product.code] = product


def _either(new: T | None, old: T) -> T:
    return old if new is None else new


def _contents(product: Product) -> tuple[object, ...]:
    return (
        product.code,
        product.name,
        product.price_cents,
        product.description,
        product.category_ids,
        product.attributes,
    )


def _each_once(ids: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(ids))
