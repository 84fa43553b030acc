"""Reading stock."""

from typing import Any, Final

from feira.chassis.postgres.reading import Reader
from feira.services.inventory.application.ports import StockView
from feira.services.inventory.domain.stock import Movement, MovementKind, StockItem

GET: Final = """
SELECT item.product_id, item.on_hand, item.reserved, item.version, item.allotted,
       movement.id, movement.kind, movement.quantity, movement.reason, movement.reference,
       movement.at
FROM stock_item AS item
LEFT JOIN LATERAL (
    SELECT * FROM movement WHERE product_id = item.product_id ORDER BY id DESC LIMIT $2
) AS movement ON true
WHERE item.product_id = $1
ORDER BY movement.id DESC
"""


class PostgresStockQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, product_id: int, movements_max: int) -> StockView | None:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(GET, product_id, movements_max)
        if not rows:
            return None
        item = StockItem(*rows[0][:5])
        return StockView(item, [_movement(row) for row in rows if row["id"] is not None])


def _movement(row: Any) -> Movement:
    movement_id, kind, quantity, reason, reference, at = row[5:]
    return Movement(movement_id, row[0], MovementKind(kind), quantity, reason, reference, at)
