"""The campaign: what is sold, for how much, how many, and when.

One drop from `starts_at` to `ends_at`, or one in every hour of the day from one hour to another, as
the clock on a wall in the campaign's time zone shows it (B6: 0h to 23h, `America/Sao_Paulo`). Hours
are counted in UTC: where the wall's clock is put back an hour comes twice and has two drops, where
it is put forward the hour that is left out has none. A campaign knows one drop ahead; those that
nobody was there to make are not made up for.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Final

HOUR: Final = timedelta(hours=1)
HOURS_AHEAD_MAX: Final = 50
"""An hour of the day comes again within two days, even if the clock is put forward over it."""


@dataclass(frozen=True, slots=True)
class Hourly:
    """From the first hour of the day to the last, both with a drop; past midnight if it is less."""

    first_hour: int
    last_hour: int

    def has(self, hour: int) -> bool:
        if self.first_hour <= self.last_hour:
            return self.first_hour <= hour <= self.last_hour
        return hour >= self.first_hour or hour <= self.last_hour


@dataclass(frozen=True, slots=True)
class CrowdRules:
    """How a crowd is let in to a campaign's drops."""

    admission: bool = False
    admission_per_second: int = 50
    admission_at_once: int = 200
    """So many are let in when a drop opens."""
    challenge_bits: int = 0
    """Of the proof of work; 0: none is asked for."""


@dataclass(slots=True)
class Campaign:
    id: int
    product_id: int
    price_cents: int
    units: int
    """Of each drop."""
    starts_at: datetime
    ends_at: datetime | None
    """None: an hourly campaign that goes on until it is ended."""
    created_at: datetime
    hourly: Hourly | None = None
    per_customer: int = 1
    queue_max: int = 0
    """How many may wait for units that are held and not paid yet."""
    pay_seconds: int = 300
    carries_over: bool = False
    """Whether a drop sells also what the last one left over."""
    crowd: CrowdRules = field(default_factory=CrowdRules)
    carried_units: int = 0
    """Left over, for the next drop that is planned."""
    last_slot: datetime | None = None
    """Of the drop planned last."""
    plan_at: datetime | None = None
    """When the next drop is planned; None: never again."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A drop's place in time; `at` is what makes it one of a kind in its campaign."""

    at: datetime
    opens_at: datetime
    closes_at: datetime


def next_slot(campaign: Campaign, now: datetime, zone: tzinfo) -> Slot | None:
    """The next drop to plan that is not over yet; None when there will be no more."""
    if campaign.hourly is None:
        return _only_slot(campaign, now)
    earliest = max(campaign.starts_at, now)
    if campaign.last_slot is not None:
        earliest = max(earliest, campaign.last_slot + HOUR)
    hour = earliest.replace(minute=0, second=0, microsecond=0)
    for at in (hour + HOUR * ahead for ahead in range(HOURS_AHEAD_MAX)):
        slot = _slot_in(campaign, at)
        if slot.opens_at >= slot.closes_at:
            return None
        if campaign.hourly.has(at.astimezone(zone).hour):
            return slot
    return None


def plan(campaign: Campaign, now: datetime, zone: tzinfo) -> Slot | None:
    """Take the next slot; the one after it is planned when this one opens."""
    slot = next_slot(campaign, now, zone)
    campaign.plan_at = slot.opens_at if slot and campaign.hourly else None
    if slot is not None:
        campaign.last_slot = slot.at
    return slot


def take_carried(campaign: Campaign) -> int:
    """The units that the next drop gets on top of its own."""
    units, campaign.carried_units = campaign.carried_units, 0
    return units


def carry_over(campaign: Campaign, left_over_units: int) -> None:
    """What a drop left over, where the campaign wants it sold by the next."""
    if campaign.carries_over:
        campaign.carried_units += left_over_units


def end(campaign: Campaign, now: datetime) -> bool:
    """Make no more drops. False: it has ended already."""
    if campaign.ends_at is not None and campaign.ends_at <= now:
        return False
    campaign.ends_at = now
    campaign.plan_at = None
    return True


def _only_slot(campaign: Campaign, now: datetime) -> Slot | None:
    assert campaign.ends_at is not None
    if campaign.last_slot is not None or campaign.ends_at <= now:
        return None
    return Slot(campaign.starts_at, campaign.starts_at, campaign.ends_at)


def _slot_in(campaign: Campaign, at: datetime) -> Slot:
    closes_at = at + HOUR
    if campaign.ends_at is not None:
        closes_at = min(closes_at, campaign.ends_at)
    return Slot(at, max(at, campaign.starts_at), closes_at)
