"""Ids: unique, rising, small enough for any client; UUIDv7 as RFC 9562 has them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.clock import ManualClock, SystemClock
from feira.kernel.ids import NUMBER_MAX, WORKERS_MAX, Ids, made_at, uuid7, worker_of

START = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
WORKER_SHIFT = 7


@given(st.lists(st.integers(-5_000, 5_000), max_size=50), st.integers(1, 300))
def test_numbers_rise_whatever_the_clock_does(steps_ms: list[int], at_once: int) -> None:
    clock = ManualClock(START)
    ids = Ids(clock)
    made = [ids.number() for _ in range(at_once)]
    for step_ms in steps_ms:
        clock.advance(timedelta(milliseconds=step_ms))
        made += [ids.number(), ids.number()]
    assert all(a < b for a, b in pairwise(made))


def test_more_numbers_than_a_millisecond_has_room_for_go_on_into_the_next() -> None:
    ids = Ids(ManualClock(START))
    made = [ids.number() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert made == sorted(made)


def test_workers_never_make_the_same_number() -> None:
    made = [
        number
        for worker in range(WORKERS_MAX)
        for ids in [Ids(ManualClock(START), worker)]
        for number in [ids.number() for _ in range(300)]
    ]
    assert len(set(made)) == len(made)
    assert {number >> WORKER_SHIFT & (WORKERS_MAX - 1) for number in made} == set(
        range(WORKERS_MAX)
    )


def test_numbers_of_the_far_future_survive_any_client() -> None:
    far = datetime(2094, 1, 1, tzinfo=UTC)
    assert 0 < Ids(ManualClock(START)).number() < Ids(ManualClock(far)).number() <= NUMBER_MAX


def test_a_worker_that_is_set_later_counts() -> None:
    ids = Ids(ManualClock(START))
    ids.worker = 5
    assert ids.number() >> WORKER_SHIFT & 31 == 5


@pytest.mark.parametrize("worker", [-1, WORKERS_MAX])
def test_there_are_so_many_workers_and_no_more(worker: int) -> None:
    with pytest.raises(ValueError, match=r"worker must be 0\.\.31"):
        Ids(worker=worker)


@pytest.mark.parametrize("entropy", [b"\x00", b"\xff", b"\xa5"])
def test_a_uuid7_has_the_form_of_rfc_9562(entropy: bytes) -> None:
    ids = Ids(ManualClock(START), entropy=lambda count: entropy * count)
    for made in [ids.uuid7() for _ in range(3)]:
        assert made.version == 7
        assert made.variant == "specified in RFC 4122"
        assert made.int >> 80 == int(START.timestamp() * 1000)


def test_uuids_made_together_rise_and_differ() -> None:
    for _ in range(50):
        made = Ids(ManualClock(START)).uuid7_texts(500)
        assert made == sorted(made)
        assert len(set(made)) == 500
        assert {text[14] for text in made} == {"7"}
        assert {text[19] for text in made} <= set("89ab")


def test_uuids_of_different_makers_differ() -> None:
    made = [text for _ in range(200) for text in Ids(ManualClock(START)).uuid7_texts(50)]
    assert len(set(made)) == len(made)


def test_later_uuids_sort_behind_earlier_ones() -> None:
    clock = ManualClock(START)
    ids = Ids(clock)
    first = ids.uuid7()
    clock.advance(timedelta(milliseconds=1))
    assert first < ids.uuid7()
    assert uuid7().version == 7


def test_no_uuids_are_made_for_nobody() -> None:
    assert Ids().uuid7_texts(0) == []


def test_the_machines_clock_speaks_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_number_tells_who_made_it_and_when() -> None:
    clock = ManualClock(datetime(2025, 11, 28, 3, 0, 0, 123_000, tzinfo=UTC))
    number = Ids(clock, worker=21).number()
    assert worker_of(number) == 21
    assert made_at(number) == clock.now()


def test_two_that_share_out_the_workers_never_make_the_same_number() -> None:
    clock = ManualClock(datetime(2025, 11, 28, tzinfo=UTC))
    low, high = Ids(clock, workers=range(16)), Ids(clock, workers=range(16, 32))
    assert {low.number() for _ in range(300)}.isdisjoint({high.number() for _ in range(300)})
    assert (low.worker, high.worker) == (0, 16)
    with pytest.raises(ValueError, match=r"16\.\.31"):
        high.worker = 15
