"""What the catalog holds only because others told it, and how that is made anew."""

from typing import Final

from feira.chassis.postgres.read_models import ReadModel
from feira.contracts.inventory import LevelsRepeated, StockLevelChanged
from feira.services.catalog.adapters.postgres.unit_of_work import postgres_unit_of_work
from feira.services.catalog.application.keep_stock import keep_stock
from feira.services.catalog.application.want_levels import WantLevels, want_levels

MAKE_SHADOW: Final = "CREATE TEMPORARY TABLE stock_level (LIKE stock_level INCLUDING ALL)"
ROWS: Final = "SELECT product_id, available, version FROM stock_level ORDER BY product_id"
DROP: Final = """
DELETE FROM stock_level USING unnest($1::bigint[], $2::bigint[], $3::bigint[])
    AS found (product_id, available, version)
WHERE stock_level.product_id = found.product_id AND stock_level.available = found.available
  AND stock_level.version = found.version
"""

READ_MODELS: Final = (
    ReadModel(
        name="stock levels",
        make_shadow=MAKE_SHADOW,
        rows=ROWS,
        drop=DROP,
        use_cases={StockLevelChanged: keep_stock},
        make_uow=lambda: postgres_unit_of_work,
        want=want_levels,
        wanted=WantLevels,
        answered_by=LevelsRepeated,
    ),
)
