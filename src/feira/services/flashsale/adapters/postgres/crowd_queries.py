"""Reading for the crowd: how drops stand, who holds claims on them, and the report."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from feira.chassis.postgres.reading import Reader
from feira.services.flashsale.application.crowd_ports import Holder
from feira.services.flashsale.domain.claim import ClaimStatus
from feira.services.flashsale.domain.drop import DropStatus
from feira.services.flashsale.domain.report import CountOf, CrowdCount, ReportedClaim
from feira.services.flashsale.domain.standing import Standing
from feira.services.flashsale.domain.waiting_room import Pace

STANDING: Final = """
SELECT d.id, d.campaign_id, d.product_id, d.price_cents, d.status, d.starts_at, d.ends_at,
       d.version, d.units, d.set_aside, d.held, d.sold, d.given_back, d.queued, d.served,
       d.queue_max, c.admission, c.admission_per_second, c.admission_at_once, c.challenge_bits
FROM sale_drop AS d JOIN campaign AS c ON c.id = d.campaign_id
"""
LIVE: Final = f"{STANDING} WHERE d.status <> 'closed' AND d.starts_at < $1 ORDER BY d.starts_at"
ONE: Final = f"{STANDING} WHERE d.id = $1"
HOLDERS: Final = """
SELECT c.drop_id, c.seq, c.customer_id
FROM unnest($1::bigint[], $2::integer[]) AS u (drop_id, seen)
CROSS JOIN LATERAL (
    SELECT drop_id, seq, customer_id FROM claim
    WHERE drop_id = u.drop_id AND seq > u.seen ORDER BY seq LIMIT $3
) AS c
"""
CLAIMS: Final = """
SELECT seq, customer_id, status, arrived_at, decided_at, order_id, queue_no, won_at, settled_at
FROM claim WHERE drop_id = $1 ORDER BY seq
"""
COUNTS: Final = "SELECT kind, name, count FROM crowd_count WHERE drop_id = $1"
ARRIVALS: Final = "SELECT arrivals FROM waiting_room WHERE drop_id = $1"
QUEUE_NO: Final = """
SELECT queue_no FROM claim WHERE drop_id = $1 AND customer_id = $2 AND status = 'waiting'
ORDER BY seq DESC LIMIT 1
"""


class PostgresCrowdQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def standings(self, soon: datetime) -> Sequence[Standing]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(LIVE, soon)
        return [_standing(row) for row in rows]

    async def standing(self, drop_id: int) -> Standing | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(ONE, drop_id)
        return _standing(row) if row else None

    async def holders(self, seen: Mapping[int, int], holders_max: int) -> Sequence[Holder]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(HOLDERS, list(seen), list(seen.values()), holders_max)
        return [Holder(*row) for row in rows]

    async def reported_claims(self, drop_id: int) -> Sequence[ReportedClaim]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(CLAIMS, drop_id)
        return [ReportedClaim(row[0], row[1], ClaimStatus(row[2]), *row[3:]) for row in rows]

    async def counts(self, drop_id: int) -> Sequence[CrowdCount]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(COUNTS, drop_id)
        return [CrowdCount(drop_id, CountOf(row[0]), row[1], row[2]) for row in rows]

    async def arrivals(self, drop_id: int) -> int:
        async with self._reader.connection() as connection:
            return int(await connection.fetchval(ARRIVALS, drop_id) or 0)

    async def queue_no(self, drop_id: int, customer_id: int) -> int | None:
        async with self._reader.connection() as connection:
            number: int | None = await connection.fetchval(QUEUE_NO, drop_id, customer_id)
        return number


def _standing(row: "asyncpg.Record") -> Standing:
    gone = row["held"] + row["sold"] + row["given_back"]
    return Standing(
        drop_id=row["id"],
        campaign_id=row["campaign_id"],
        product_id=row["product_id"],
        price_cents=row["price_cents"],
        status=DropStatus(row["status"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        version=row["version"],
        units=row["units"] if row["set_aside"] is None else row["set_aside"],
        left=(row["set_aside"] or 0) - gone,
        held=row["held"],
        sold=row["sold"],
        waiting=row["queued"] - row["served"],
        served=row["served"],
        queue_max=row["queue_max"],
        admission=row["admission"],
        pace=Pace(row["admission_at_once"], row["admission_per_second"]),
        challenge_bits=row["challenge_bits"],
    )
