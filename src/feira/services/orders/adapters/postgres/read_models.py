"""What orders holds only because others told it, and how that is made anew."""

from typing import Final

from feira.chassis.postgres.read_models import ReadModel
from feira.contracts.catalog import ProductChanged, ProductRemoved, ProductsRepeated
from feira.services.orders.adapters.postgres.unit_of_work import units_of_work
from feira.services.orders.application.keep_prices import keep_prices
from feira.services.orders.application.want_products import WantProducts, want_products

MAKE_SHADOW: Final = "CREATE TEMPORARY TABLE product (LIKE product INCLUDING ALL)"
ROWS: Final = "SELECT product_id, price_cents, version, removed FROM product ORDER BY product_id"
DROP: Final = """
DELETE FROM product
USING unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[])
    AS found (product_id, price_cents, version, removed)
WHERE product.product_id = found.product_id AND product.price_cents = found.price_cents
  AND product.version = found.version AND product.removed = found.removed
"""

READ_MODELS: Final = (
    ReadModel(
        name="price book",
        make_shadow=MAKE_SHADOW,
        rows=ROWS,
        drop=DROP,
        use_cases={ProductChanged: keep_prices, ProductRemoved: keep_prices},
        make_uow=units_of_work,
        want=want_products,
        wanted=WantProducts,
        answered_by=ProductsRepeated,
    ),
)
