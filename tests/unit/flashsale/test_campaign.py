"""When drops are: hours on a wall's clock, each once, whatever becomes of our own (B6)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from feira.services.flashsale.domain.campaign import (
    HOUR,
    Campaign,
    Hourly,
    Slot,
    carry_over,
    end,
    next_slot,
    plan,
    take_carried,
)
from tests.unit.flashsale.world import START

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NEW_YORK = ZoneInfo("America/New_York")


ALL_DAY = Hourly(0, 23)


def campaign(hourly: Hourly | None = ALL_DAY, **more: object) -> Campaign:
    made = Campaign(1, 1, 1_00, 100, START, None, START, hourly)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def slots_planned(of: Campaign, since: datetime, hours: int, zone: ZoneInfo) -> list[datetime]:
    """By somebody who looks every ten minutes; one of them is ahead."""
    found = []
    for step in range(hours * 6):
        now = since + timedelta(minutes=10 * step)
        if of.plan_at is None or of.plan_at <= now:
            slot = plan(of, now, zone)
            found += [slot.at] if slot else []
    return found


def test_every_hour_of_a_day_has_a_drop() -> None:
    slots = slots_planned(campaign(), START, 24, SAO_PAULO)
    assert slots == [START + HOUR * n for n in range(25)]


def test_a_drop_is_open_for_its_hour_or_what_is_left_of_it() -> None:
    now = START + timedelta(minutes=20)
    made = campaign(starts_at=now)
    assert plan(made, now, SAO_PAULO) == Slot(START, now, START + HOUR)
    assert made.plan_at == now
    assert plan(made, now, SAO_PAULO) == Slot(START + HOUR, START + HOUR, START + 2 * HOUR)


def test_only_some_hours_of_the_wall_have_one() -> None:
    slots = slots_planned(campaign(Hourly(9, 11)), START, 48, SAO_PAULO)
    assert [slot.astimezone(SAO_PAULO).hour for slot in slots] == [9, 10, 11] * 2 + [9]
    over_midnight = slots_planned(campaign(Hourly(23, 0)), START, 30, SAO_PAULO)
    assert [slot.astimezone(SAO_PAULO).hour for slot in over_midnight] == [0, 23, 0, 23]


def test_an_hour_that_comes_twice_has_two_drops_and_one_that_is_left_out_has_none() -> None:
    back = datetime(2025, 11, 2, 4, tzinfo=UTC)  # New York: 1:00 comes at 5:00 and 6:00 UTC
    made = campaign(Hourly(1, 1), starts_at=back)
    assert slots_planned(made, back, 6, NEW_YORK)[:2] == [back + HOUR, back + 2 * HOUR]
    forward = datetime(2025, 3, 9, 5, tzinfo=UTC)  # 2:00 does not come
    made = campaign(Hourly(2, 2), starts_at=forward)
    (first, *_) = slots_planned(made, forward, 3, NEW_YORK)
    assert first.astimezone(NEW_YORK) == datetime(2025, 3, 10, 2, tzinfo=NEW_YORK)


def test_years_ahead_cost_no_more_than_tomorrow() -> None:
    far = datetime(2099, 1, 1, 3, tzinfo=UTC)
    made = campaign(starts_at=far)
    assert plan(made, START, SAO_PAULO) == Slot(far, far, far + HOUR)
    assert made.plan_at == far


def test_hours_that_nobody_was_there_for_are_not_made_up_for() -> None:
    made = campaign()
    plan(made, START, SAO_PAULO)
    late = START + timedelta(hours=30, minutes=5)
    assert plan(made, late, SAO_PAULO) == Slot(
        START + 30 * HOUR, START + 30 * HOUR, START + 31 * HOUR
    )


def test_the_last_drop_ends_with_its_campaign() -> None:
    made = campaign(ends_at=START + timedelta(minutes=90))
    plan(made, START, SAO_PAULO)
    slot = plan(made, START, SAO_PAULO)
    assert slot is not None
    assert slot.closes_at == START + timedelta(minutes=90)
    assert plan(made, START + HOUR, SAO_PAULO) is None
    assert made.plan_at is None


def test_one_drop_is_planned_once() -> None:
    made = campaign(None, ends_at=START + HOUR)
    assert plan(made, START, SAO_PAULO) == Slot(START, START, START + HOUR)
    assert plan(made, START, SAO_PAULO) is None
    assert next_slot(campaign(None, ends_at=START), START, SAO_PAULO) is None


def test_a_campaign_that_is_ended_plans_no_more() -> None:
    made = campaign()
    plan(made, START, SAO_PAULO)
    assert end(made, START + HOUR)
    assert not end(made, START + 2 * HOUR)
    assert plan(made, START + HOUR, SAO_PAULO) is None


def test_what_is_left_over_goes_to_the_next_once_and_only_where_it_is_wanted() -> None:
    made = campaign(carries_over=True)
    carry_over(made, 3)
    carry_over(made, 4)
    assert [take_carried(made), take_carried(made)] == [7, 0]
    plain = campaign()
    carry_over(plain, 3)
    assert take_carried(plain) == 0


@given(
    jumps=st.lists(st.integers(-7200, 10_000), min_size=1, max_size=60),
    first=st.integers(0, 23),
    last=st.integers(0, 23),
)
def test_however_the_clock_jumps_a_slot_is_planned_once(
    jumps: list[int], first: int, last: int
) -> None:
    made, now = campaign(Hourly(first, last)), START
    found: list[Slot] = []
    for jump in jumps:
        now = max(START, now + timedelta(seconds=jump))
        if made.plan_at is None or made.plan_at <= now:
            slot = plan(made, now, SAO_PAULO)
            assert slot is not None, "it has no end"
            assert slot.closes_at > now, "it is not over"
            assert made.hourly is not None
            assert made.hourly.has(slot.at.astimezone(SAO_PAULO).hour)
            found.append(slot)
    ats = [slot.at for slot in found]
    assert ats == sorted(set(ats))
