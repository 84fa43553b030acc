"""What a drop decides, for every status and everything that can happen to it."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from feira.kernel.errors import Refused
from feira.services.flashsale.domain.claim import Claim, ClaimStatus, Wish
from feira.services.flashsale.domain.drop import (
    ALREADY_CLAIMED,
    NOT_OPEN,
    SOLD_OUT,
    Drop,
    DropStatus,
    Said,
    callable_numbers,
    claim,
    end_early,
    finish,
    given_back,
    pending,
    place_of,
    serve,
    set_aside,
    settle,
    turn,
)
from tests.unit.flashsale.world import HOUR, START, check_drop

NOW = START + timedelta(minutes=5)
END = START + HOUR


def drop(status: DropStatus = DropStatus.OPEN, units: int = 2, **more: object) -> Drop:
    made = Drop(7, 7, START, 1, 1_00, units, 1, 2, 300, START, START - HOUR, END, status)
    if status not in (DropStatus.PLANNED, DropStatus.PREPARING):
        made.set_aside = units
    for name, value in more.items():
        setattr(made, name, value)
    return made


class Crowd:
    """Customers of one drop, with the claims they have made."""

    def __init__(self, of: Drop) -> None:
        self.drop = of
        self.claims: list[Claim] = []
        self._order_ids = count(1000)

    def claims_one(self, customer_id: int, now: datetime = NOW) -> Claim | Refused:
        had = sum(claim.customer_id == customer_id for claim in self.claims)
        made = claim(self.drop, Wish(customer_id, now), had, self._next_id, now)
        if isinstance(made, Claim):
            self.claims.append(made)
        check_drop(self.drop, self.claims, now)
        return made

    def settles(self, one: Claim, *, is_sold: bool, now: datetime = NOW) -> None:
        assert settle(self.drop, one, is_sold=is_sold, now=now)
        waiting = [c for c in self.claims if c.status is ClaimStatus.WAITING]
        number = callable_numbers(self.drop, now)
        serve(self.drop, waiting[:number], self._next_id, now)
        check_drop(self.drop, self.claims, now)

    def _next_id(self) -> int:
        return next(self._order_ids)


def won(made: Claim | Refused) -> Claim:
    assert isinstance(made, Claim), made
    assert made.status is ClaimStatus.WON, made
    return made


def waits(made: Claim | Refused) -> Claim:
    assert isinstance(made, Claim), made
    assert made.status is ClaimStatus.WAITING, made
    return made


# --- claims --------------------------------------------------------------------------------------


def test_who_comes_first_is_served_first_and_the_next_wait() -> None:
    crowd = Crowd(drop(units=2))
    first, second = won(crowd.claims_one(1)), won(crowd.claims_one(2))
    assert [first.seq, second.seq] == [1, 2]
    assert first.order_id != second.order_id
    assert first.pay_until == NOW + timedelta(seconds=300)
    third, fourth = waits(crowd.claims_one(3)), waits(crowd.claims_one(4))
    assert [place_of(crowd.drop, third), place_of(crowd.drop, fourth)] == [1, 2]
    assert crowd.claims_one(5) is SOLD_OUT, "the queue is full"


def test_a_unit_that_is_not_paid_goes_to_the_next_with_a_deadline_of_his_own() -> None:
    crowd = Crowd(drop(units=1))
    first, second = won(crowd.claims_one(1)), waits(crowd.claims_one(2))
    third = waits(crowd.claims_one(3))
    later = NOW + timedelta(minutes=5)
    crowd.settles(first, is_sold=False, now=later)
    assert won(second).pay_until == later + timedelta(minutes=5)
    assert place_of(crowd.drop, third) == 1
    crowd.settles(second, is_sold=True, now=later)
    assert third.status is ClaimStatus.WAITING
    assert (crowd.drop.sold, crowd.drop.left) == (1, 0)
    assert not settle(crowd.drop, second, is_sold=False, now=later), "it is known"


def test_a_unit_nobody_waits_for_can_be_claimed_again() -> None:
    crowd = Crowd(drop(units=1, queue_max=0))
    first = won(crowd.claims_one(1))
    assert crowd.claims_one(2) is SOLD_OUT
    crowd.settles(first, is_sold=False)
    won(crowd.claims_one(2))


def test_nobody_waits_for_units_that_are_paid() -> None:
    crowd = Crowd(drop(units=1))
    crowd.settles(won(crowd.claims_one(1)), is_sold=True)
    assert crowd.claims_one(2) is SOLD_OUT


def test_a_customer_has_as_many_claims_as_he_may_whatever_became_of_them() -> None:
    crowd = Crowd(drop(units=3))
    crowd.settles(won(crowd.claims_one(1)), is_sold=False)
    assert crowd.claims_one(1) is ALREADY_CLAIMED
    twice = Crowd(drop(units=3, per_customer=2))
    assert [won(twice.claims_one(1)).nth, won(twice.claims_one(1)).nth] == [1, 2]
    assert twice.claims_one(1) is ALREADY_CLAIMED


@pytest.mark.parametrize("status", [s for s in DropStatus if s is not DropStatus.OPEN])
def test_only_an_open_drop_can_be_claimed(status: DropStatus) -> None:
    assert Crowd(drop(status, ask_at=NOW)).claims_one(1) is NOT_OPEN


def test_a_drop_is_over_on_time_even_if_nobody_has_closed_it() -> None:
    crowd = Crowd(drop(units=1))
    first = won(crowd.claims_one(1))
    second = waits(crowd.claims_one(2))
    assert crowd.claims_one(3, now=END) is NOT_OPEN
    crowd.settles(first, is_sold=False, now=END)
    assert second.status is ClaimStatus.WAITING, "after the end nobody is called"


def test_the_token_of_a_claim_that_has_come_to_rest_is_not_kept() -> None:
    one = drop()
    made = claim(one, Wish(1, NOW, None, "card", "tok_visa"), 0, lambda: 1, NOW)
    assert isinstance(made, Claim)
    settle(one, made, is_sold=True, now=NOW)
    assert made.payment_token is None


# --- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "said", "after"),
    [
        (drop(DropStatus.PLANNED), START - HOUR, [Said.SET_ASIDE], DropStatus.PREPARING),
        (drop(DropStatus.PLANNED), END, [Said.CLOSED], DropStatus.CLOSED),
        (drop(DropStatus.PREPARING, ask_at=NOW), NOW, [Said.SET_ASIDE], DropStatus.PREPARING),
        (drop(DropStatus.PREPARING, ask_at=NOW), END, [Said.GIVE_BACK], DropStatus.RETURNING),
        (drop(DropStatus.READY), START, [Said.OPENED], DropStatus.OPEN),
        (drop(DropStatus.READY), END, [Said.GIVE_BACK], DropStatus.RETURNING),
        (drop(DropStatus.OPEN), END, [Said.GIVE_BACK], DropStatus.RETURNING),
        (drop(DropStatus.OPEN, held=1), END, [], DropStatus.CLOSING),
        (drop(DropStatus.OPEN, held=1, ask_at=NOW), NOW, [Said.ASK_ORDERS], DropStatus.OPEN),
        (drop(DropStatus.OPEN, ask_at=NOW), NOW, [], DropStatus.OPEN),
        (drop(DropStatus.CLOSING, held=1, ask_at=END), END, [Said.ASK_ORDERS], DropStatus.CLOSING),
        (drop(DropStatus.RETURNING, ask_at=END), END, [Said.GIVE_BACK], DropStatus.RETURNING),
    ],
)
def test_what_is_due_is_done(
    before: Drop, now: datetime, said: list[Said], after: DropStatus
) -> None:
    one = replace(before)
    assert turn(one, now) == said
    assert one.status is after
    assert one.due_at is None or one.due_at > now, "done, and not due again at once"


@pytest.mark.parametrize("status", list(DropStatus))
def test_nothing_is_done_before_it_is_due(status: DropStatus) -> None:
    one = drop(status, ask_at=NOW)
    before = replace(one)
    assert turn(one, (one.due_at or NOW) - timedelta(microseconds=1)) == []
    assert one == before


def test_it_asks_less_and_less_often() -> None:
    one, now, waits_seconds = drop(DropStatus.PLANNED, prepare_at=START, ends_at=END), START, []
    for _ in range(8):
        turn(one, now)
        assert one.ask_at is not None
        waits_seconds.append((one.ask_at - now).total_seconds())
        now = one.ask_at
    assert waits_seconds == [2, 4, 8, 16, 32, 60, 60, 60]


def test_it_opens_with_what_could_be_set_aside() -> None:
    early, late = drop(DropStatus.PREPARING), drop(DropStatus.PREPARING)
    assert set_aside(early, 1, START - HOUR) == []
    assert early.status is DropStatus.READY
    assert set_aside(late, 1, NOW) == [Said.OPENED]
    assert (late.status, late.left) == (DropStatus.OPEN, 1)
    assert set_aside(late, 2, NOW) == [], "what was answered first counts"
    assert late.left == 1


def test_it_is_closed_when_all_is_paid_and_the_rest_given_back() -> None:
    crowd = Crowd(drop(units=3))
    first = won(crowd.claims_one(1))
    assert turn(crowd.drop, END) == []
    crowd.settles(first, is_sold=True, now=END)
    assert finish(crowd.drop, END) == [Said.GIVE_BACK]
    assert finish(crowd.drop, END) == []
    assert given_back(crowd.drop, 2) == [Said.CLOSED]
    assert given_back(crowd.drop, 2) == []
    assert (crowd.drop.left, crowd.drop.due_at) == (0, None)


def test_an_answer_that_came_too_late_is_learnt_from_what_is_given_back() -> None:
    one = drop(DropStatus.RETURNING, set_aside=None)
    assert set_aside(one, 2, END) == []
    assert given_back(one, 2) == [Said.CLOSED]
    assert (one.set_aside, one.left) == (2, 0)


def test_a_miscount_shows() -> None:
    one = drop(DropStatus.RETURNING, sold=1)
    given_back(one, 0)
    assert one.left == 1


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (drop(DropStatus.PLANNED), [Said.CLOSED], DropStatus.CLOSED),
        (drop(DropStatus.PREPARING), [Said.GIVE_BACK], DropStatus.RETURNING),
        (drop(DropStatus.READY), [Said.GIVE_BACK], DropStatus.RETURNING),
        (drop(DropStatus.OPEN), [Said.GIVE_BACK], DropStatus.RETURNING),
        (drop(DropStatus.OPEN, held=1), [], DropStatus.CLOSING),
        (drop(DropStatus.CLOSING, held=1), [], DropStatus.CLOSING),
        (drop(DropStatus.RETURNING), [], DropStatus.RETURNING),
        (drop(DropStatus.CLOSED), [], DropStatus.CLOSED),
    ],
)
def test_it_can_be_ended_before_its_time(before: Drop, said: list[Said], after: DropStatus) -> None:
    one = replace(before)
    assert end_early(one, NOW) == said
    assert one.status is after
    assert end_early(one, NOW) == []


@pytest.mark.parametrize("status", list(DropStatus))
def test_what_it_waits_for_is_asked_again(status: DropStatus) -> None:
    asked = {
        DropStatus.PREPARING: [Said.SET_ASIDE],
        DropStatus.RETURNING: [Said.GIVE_BACK],
        DropStatus.OPEN: [Said.ASK_ORDERS],
        DropStatus.CLOSING: [Said.ASK_ORDERS],
    }
    assert pending(drop(status, held=1)) == asked.get(status, [])
    if status in (DropStatus.OPEN, DropStatus.CLOSING):
        assert pending(drop(status)) == []
