"""A drop is sold out for a newcomer only when neither a unit nor a number can be had."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.errors import Refused
from feira.services.flashsale.domain import drop as drops
from feira.services.flashsale.domain.claim import Wish
from feira.services.flashsale.domain.drop import SOLD_OUT, Drop, DropStatus
from feira.services.flashsale.domain.standing import is_sold_out
from tests.unit.flashsale.standings import NOON, standing


def test_a_unit_that_is_left_is_for_sale() -> None:
    assert not is_sold_out(standing(left=1, sold=99))


def test_while_a_unit_is_held_the_queue_is_open() -> None:
    assert not is_sold_out(standing(left=0, held=1, sold=99, waiting=49))


def test_a_full_queue_takes_all_that_may_come_free() -> None:
    assert is_sold_out(standing(left=0, held=1, sold=99, waiting=50))


def test_when_all_are_paid_it_is_over() -> None:
    assert is_sold_out(standing(left=0, held=0, sold=100))


def test_what_is_not_open_is_not_sold_out() -> None:
    assert not is_sold_out(standing(status=DropStatus.READY, left=0, sold=0))


@given(
    units=st.integers(1, 5),
    held=st.integers(0, 5),
    sold=st.integers(0, 5),
    waiting=st.integers(0, 4),
    queue_max=st.integers(0, 4),
)
def test_memory_says_what_the_lane_would_have_said(
    units: int, held: int, sold: int, waiting: int, queue_max: int
) -> None:
    held, sold = min(held, units), min(sold, max(0, units - held))
    drop = Drop(
        id=70,
        campaign_id=7,
        slot=NOON,
        product_id=1,
        price_cents=100,
        units=units,
        per_customer=1,
        queue_max=queue_max,
        pay_seconds=300,
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=1),
        prepare_at=NOON,
        status=DropStatus.OPEN,
        set_aside=units,
        held=held,
        sold=sold,
        queued=waiting,
    )
    known = standing(
        units=units, left=drop.left, held=held, sold=sold, waiting=waiting, queue_max=queue_max
    )
    outcome = drops.claim(drop, Wish(5, NOON), had=0, make_order_id=lambda: 1, now=NOON)
    assert is_sold_out(known) == (outcome == SOLD_OUT)
    assert isinstance(outcome, Refused) == (outcome == SOLD_OUT)
