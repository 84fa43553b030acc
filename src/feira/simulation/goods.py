"""What the simulated shop sells: a few things that everybody wants, and many that few do."""

from random import Random
from typing import Final

HOT: Final = tuple(range(1, 5))
COLD: Final = tuple(range(5, 31))
ON_SALE: Final = (31, 32)
"""Sold in drops too."""
PRODUCTS: Final = (*HOT, *COLD, *ON_SALE)
HOT_SHARE: Final = 0.6
PRICE_CENTS: Final = 10_00
UNITS_A_CUSTOMER: Final = 0.6
"""Units of hot things at the start, a customer: there is not enough for everybody."""
COLD_UNITS: Final = 1_000


def price_cents(product_id: int) -> int:
    return PRICE_CENTS + product_id * 7


def initial_stock(product_id: int, customers: int) -> int:
    if product_id in HOT:
        return int(customers * UNITS_A_CUSTOMER / len(HOT))
    return COLD_UNITS


def wanted_by(chance: Random) -> list[tuple[int, int]]:
    """(product, quantity), different products."""
    count = chance.choice((1, 1, 1, 2, 3))
    wanted: dict[int, int] = {}
    for _ in range(count):
        shelf = HOT if chance.random() < HOT_SHARE else COLD
        wanted[chance.choice(shelf)] = chance.choice((1, 1, 1, 2))
    return list(wanted.items())
