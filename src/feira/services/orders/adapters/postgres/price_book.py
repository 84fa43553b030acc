"""The copy of the catalog's prices."""

from collections.abc import Iterable, Mapping
from typing import Final

from feira.chassis.postgres.connection import Connection
from feira.services.orders.application.ports import PricedProduct

PRICES: Final = """
SELECT product_id, price_cents FROM product WHERE product_id = ANY($1::bigint[]) AND NOT removed
"""
PUT: Final = """
INSERT INTO product AS old (product_id, price_cents, version, removed)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[])
ON CONFLICT (product_id) DO UPDATE SET
    price_cents = EXCLUDED.price_cents, version = EXCLUDED.version, removed = EXCLUDED.removed
WHERE old.version < EXCLUDED.version
"""


class PostgresPriceBook:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._put: dict[int, PricedProduct] = {}

    async def prices_cents(self, product_ids: Iterable[int]) -> Mapping[int, int]:
        await self.flush()  # a price put earlier in this batch counts
        rows = await self._connection.fetch(PRICES, list(product_ids))
        return dict(map(tuple, rows))

    def put_many(self, products: Iterable[PricedProduct]) -> None:
        for product in products:
            known = self._put.get(product.product_id)
            if known is None or known.version < product.version:
                self._put[product.product_id] = product

    async def flush(self) -> None:
        if not self._put:
            return
        products = list(self._put.values())
        self._put = {}
        await self._connection.execute(
            PUT,
            [product.product_id for product in products],
            [product.price_cents for product in products],
            [product.version for product in products],
            [product.removed for product in products],
        )
