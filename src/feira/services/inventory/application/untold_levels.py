"""Products whose level changed and has not been told: gathered, and told some times a second.

Kept in memory: a process that dies leaves some untold, and the next one begins by telling them all.
"""

from collections.abc import Iterable
from itertools import islice


class UntoldLevels:
    def __init__(self) -> None:
        self._product_ids: dict[int, None] = {}

    def add(self, product_ids: Iterable[int]) -> None:
        self._product_ids.update(dict.fromkeys(product_ids))

    def take(self, products_max: int) -> frozenset[int]:
        """Those that wait longest, which are then no longer here."""
        taken = frozenset(islice(self._product_ids, products_max))
        for product_id in taken:
            del self._product_ids[product_id]
        return taken
