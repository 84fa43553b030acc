"""So many at once, then so many a second; what is left is told."""

from hypothesis import given
from hypothesis import strategies as st

from feira.services.flashsale.domain.quota import Quota, take
from feira.services.flashsale.entrypoints.limits import Limits

QUOTA = Quota("claims", per_second=2, at_once=4)


def test_as_many_as_are_allowed_at_once_then_one_must_wait() -> None:
    empty_at, remaining = 0.0, []
    for _ in range(4):
        taken = take(QUOTA, empty_at, now=100.0)
        assert taken.is_allowed
        empty_at = taken.empty_at
        remaining.append(taken.remaining)
    assert remaining == [3, 2, 1, 0]
    refused = take(QUOTA, empty_at, now=100.0)
    assert (refused.is_allowed, refused.wait_seconds) == (False, 1)
    assert take(QUOTA, refused.empty_at, now=100.5).is_allowed


@given(st.lists(st.floats(0, 2), max_size=60))
def test_never_more_than_the_quota_in_any_stretch_of_time(gaps: list[float]) -> None:
    now, empty_at, allowed = 1_000.0, 0.0, []
    for gap in gaps:
        now += gap
        taken = take(QUOTA, empty_at, now)
        empty_at = taken.empty_at
        if taken.is_allowed:
            allowed.append(now)
    for at, start in enumerate(allowed):
        for count, end in enumerate(allowed[at:], start=1):
            assert count <= QUOTA.at_once + QUOTA.per_second * (end - start) + 1e-6


def test_memory_is_bounded_the_one_seen_longest_ago_is_forgotten() -> None:
    limits = Limits(QUOTA, keys_max=3)
    for key in range(10):
        limits.take(key, now=50.0)
    assert len(limits) == 3
    assert [limits.take(9, now=50.0).remaining for _ in range(2)] == [2, 1]
    assert limits.take(0, now=50.0).remaining == 3


def test_the_headers_say_the_policy_and_what_remains() -> None:
    limits = Limits(QUOTA)
    headers = dict(limits.headers(limits.take("192.0.2.1", now=5.0)))
    assert headers == {b"ratelimit-policy": b'"claims";q=4;w=2', b"ratelimit": b'"claims";r=3;t=0'}
