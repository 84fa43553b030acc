"""Reading sagas."""

from collections.abc import Sequence
from typing import Final

from feira.chassis.postgres.reading import Reader
from feira.services.orchestrator.adapters.postgres.sagas import SAGA_COLUMNS, saga_from
from feira.services.orchestrator.application.ports import OldestOpen
from feira.services.orchestrator.domain.purchase_saga import Saga

GET: Final = f"SELECT {SAGA_COLUMNS} FROM saga WHERE order_id = $1"
FIND_OPEN: Final = f"""
SELECT {SAGA_COLUMNS} FROM saga WHERE open AND (deadline < now() OR NOT $1)
ORDER BY order_id LIMIT $2
"""
OLDEST_OPEN: Final = """
SELECT progress->>0 AS state, count(*), extract(epoch FROM now() - min(started_at))::float8
FROM saga WHERE open GROUP BY 1
"""


class PostgresSagaQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, order_id: int) -> Saga | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(GET, order_id)
        return saga_from(row) if row else None

    async def find_open(self, *, overdue_only: bool, sagas_max: int) -> Sequence[Saga]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(FIND_OPEN, overdue_only, sagas_max)
        return [saga_from(row) for row in rows]

    async def oldest_open(self) -> Sequence[OldestOpen]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(OLDEST_OPEN)
        return [OldestOpen(*row) for row in rows]
