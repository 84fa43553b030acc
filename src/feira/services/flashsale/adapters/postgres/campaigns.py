"""The table of campaigns."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.flashsale.domain.campaign import Campaign, CrowdRules, Hourly

COLUMNS: Final = """
id, product_id, price_cents, units, starts_at, ends_at, created_at, first_hour, last_hour,
per_customer, queue_max, pay_seconds, carries_over, admission, admission_per_second,
admission_at_once, challenge_bits, carried_units, last_slot, plan_at
"""
LOCK: Final = f"""
SELECT {COLUMNS} FROM campaign WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
"""
LOCK_DUE: Final = f"""
SELECT {COLUMNS} FROM campaign WHERE plan_at <= $1
ORDER BY plan_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
INSERT: Final = f"""
INSERT INTO campaign ({COLUMNS})
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::timestamptz[],
    $6::timestamptz[], $7::timestamptz[], $8::smallint[], $9::smallint[], $10::integer[],
    $11::integer[], $12::integer[], $13::boolean[], $14::boolean[], $15::integer[],
    $16::integer[], $17::smallint[], $18::integer[], $19::timestamptz[], $20::timestamptz[]
)
"""
UPDATE: Final = """
UPDATE campaign SET
    ends_at = new.ends_at, carried_units = new.carried_units, last_slot = new.last_slot,
    plan_at = new.plan_at
FROM unnest(
    $1::bigint[], $2::timestamptz[], $3::integer[], $4::timestamptz[], $5::timestamptz[]
) AS new (id, ends_at, carried_units, last_slot, plan_at)
WHERE campaign.id = new.id
"""


class PostgresCampaignRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, ids: Collection[int]) -> Iterable[Campaign]:
        return map(campaign_from, await self._connection.fetch(LOCK, list(ids)))

    async def lock_due(self, now: datetime, rows_max: int) -> Iterable[Campaign]:
        return map(campaign_from, await self._connection.fetch(LOCK_DUE, now, rows_max))

    async def insert(self, aggregates: Collection[Campaign]) -> None:
        columns = zip(*map(_inserted, aggregates), strict=True)
        try:
            await self._connection.execute(INSERT, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has made a campaign of this id") from error

    async def update(self, aggregates: Collection[Campaign]) -> None:
        await self._connection.execute(
            UPDATE,
            [campaign.id for campaign in aggregates],
            [campaign.ends_at for campaign in aggregates],
            [campaign.carried_units for campaign in aggregates],
            [campaign.last_slot for campaign in aggregates],
            [campaign.plan_at for campaign in aggregates],
        )


def campaign_from(row: Any) -> Campaign:
    first_hour, last_hour = row[7:9]
    campaign = Campaign(*row[:7])
    campaign.hourly = None if first_hour is None else Hourly(first_hour, last_hour)
    campaign.per_customer, campaign.queue_max, campaign.pay_seconds = row[9:12]
    campaign.carries_over, campaign.crowd = row[12], CrowdRules(*row[13:17])
    campaign.carried_units, campaign.last_slot, campaign.plan_at = row[17:]
    return campaign


def _inserted(campaign: Campaign) -> tuple[Any, ...]:
    hourly, crowd = campaign.hourly, campaign.crowd
    return (
        campaign.id,
        campaign.product_id,
        campaign.price_cents,
        campaign.units,
        campaign.starts_at,
        campaign.ends_at,
        campaign.created_at,
        hourly.first_hour if hourly else None,
        hourly.last_hour if hourly else None,
        campaign.per_customer,
        campaign.queue_max,
        campaign.pay_seconds,
        campaign.carries_over,
        crowd.admission,
        crowd.admission_per_second,
        crowd.admission_at_once,
        crowd.challenge_bits,
        campaign.carried_units,
        campaign.last_slot,
        campaign.plan_at,
    )
