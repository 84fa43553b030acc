"""Reading flash sales."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from feira.chassis.postgres.reading import Reader
from feira.services.flashsale.adapters.postgres.claims import CLAIM_COLUMNS, claim_from
from feira.services.flashsale.adapters.postgres.drops import DROP_COLUMNS, drop_from
from feira.services.flashsale.domain.claim import Claim
from feira.services.flashsale.domain.drop import Drop

GET: Final = f"SELECT {DROP_COLUMNS} FROM sale_drop WHERE id = $1"
GET_OF_CAMPAIGN: Final = f"""
SELECT {DROP_COLUMNS} FROM sale_drop WHERE campaign_id = $1
ORDER BY status = 'closed', status <> 'open',
         CASE WHEN status <> 'closed' THEN slot END, slot DESC
LIMIT 1
"""
FIND_LIVE: Final = f"""
SELECT {DROP_COLUMNS} FROM sale_drop WHERE status <> 'closed'
ORDER BY starts_at, id OFFSET $1 LIMIT $2
"""
COUNT_LIVE: Final = "SELECT count(*) FROM sale_drop WHERE status <> 'closed'"
NEWEST_CLAIM: Final = f"""
SELECT {CLAIM_COLUMNS} FROM claim WHERE drop_id = $1 AND customer_id = $2
ORDER BY nth DESC LIMIT 1
"""
NEXT_DUE: Final = """
SELECT least(
    (SELECT min(due_at) FROM sale_drop WHERE due_at IS NOT NULL),
    (SELECT min(plan_at) FROM campaign WHERE plan_at IS NOT NULL)
)
"""


class PostgresFlashSaleQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, sale_id: int) -> Drop | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(GET, sale_id)
            row = row or await connection.fetchrow(GET_OF_CAMPAIGN, sale_id)
        return drop_from(row) if row else None

    async def find_live(self, *, offset: int, drops_max: int) -> tuple[Sequence[Drop], int]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(FIND_LIVE, offset, drops_max)
            total = await connection.fetchval(COUNT_LIVE)
        return [drop_from(row) for row in rows], total

    async def newest_claim(self, drop_id: int, customer_id: int) -> Claim | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(NEWEST_CLAIM, drop_id, customer_id)
        return claim_from(row) if row else None

    async def next_due(self) -> datetime | None:
        async with self._reader.connection() as connection:
            due_at: datetime | None = await connection.fetchval(NEXT_DUE)
        return due_at
