"""A place in the waiting room and the clock tell who is let in: no process has to tell another."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from feira.services.flashsale.domain.waiting_room import Pace, ahead, let_in, let_in_at
from tests.unit.flashsale.standings import NOON

PACE = Pace(at_once=200, per_second=50)


def test_the_first_are_let_in_when_the_doors_open() -> None:
    assert let_in_at(1, PACE, NOON) == NOON
    assert let_in_at(200, PACE, NOON) == NOON
    assert let_in_at(201, PACE, NOON) > NOON


def test_the_others_follow_at_the_promised_pace() -> None:
    assert let_in_at(250, PACE, NOON) == NOON + timedelta(seconds=1)
    assert let_in_at(700, PACE, NOON) == NOON + timedelta(seconds=10)


def test_before_the_doors_open_nobody_is_let_in() -> None:
    early = NOON - timedelta(seconds=1)
    assert let_in(PACE, NOON, early) == 0
    assert ahead(1, PACE, NOON, early) == 1
    assert ahead(300, PACE, NOON, early) == 100


def test_a_place_is_told_how_many_are_before_it() -> None:
    assert ahead(300, PACE, NOON, NOON) == 100
    assert ahead(300, PACE, NOON, NOON + timedelta(seconds=1)) == 50
    assert ahead(300, PACE, NOON, NOON + timedelta(seconds=2)) == 0


@given(
    st.integers(1, 100_000),
    st.integers(0, 10_000),
    st.integers(1, 5_000),
    st.integers(-100_000, 10_000_000),
)
def test_who_has_nobody_ahead_is_let_in_and_nobody_else(
    place: int, at_once: int, per_second: int, milliseconds: int
) -> None:
    pace, now = Pace(at_once, per_second), NOON + timedelta(milliseconds=milliseconds)
    is_in = let_in_at(place, pace, NOON) <= now
    assert (ahead(place, pace, NOON, now) == 0) == is_in
    assert ahead(place + 1, pace, NOON, now) >= ahead(place, pace, NOON, now)
