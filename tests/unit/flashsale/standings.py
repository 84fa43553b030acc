"""Drops as the crowd meets them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from feira.services.flashsale.domain.drop import DropStatus
from feira.services.flashsale.domain.standing import Standing
from feira.services.flashsale.domain.waiting_room import Pace

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

OPEN = Standing(
    drop_id=70,
    campaign_id=7,
    product_id=1,
    price_cents=1_00,
    status=DropStatus.OPEN,
    starts_at=NOON,
    ends_at=NOON + timedelta(hours=1),
    version=1,
    units=100,
    left=100,
    held=0,
    sold=0,
    waiting=0,
    served=0,
    queue_max=50,
    admission=False,
    pace=Pace(at_once=200, per_second=50),
    challenge_bits=0,
)


def standing(**figures: Any) -> Standing:
    return replace(OPEN, **figures)


SOLD_OUT = standing(left=0, sold=100, version=9)
