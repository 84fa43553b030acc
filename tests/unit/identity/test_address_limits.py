"""Wrong passwords by client address: bounded in number, and in the memory that counting takes."""

from datetime import UTC, datetime, timedelta

import pytest

from feira.kernel.clock import ManualClock
from feira.kernel.errors import Rejected
from feira.services.identity.domain.attempts import Limit
from feira.services.identity.entrypoints.address_limits import AddressLimits

LIMIT = Limit(failures_max=3, forgiven_every=timedelta(seconds=10))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2025, 11, 28, 3, 0, tzinfo=UTC))


@pytest.fixture
def limits(clock: ManualClock) -> AddressLimits:
    return AddressLimits(LIMIT, clock, addresses_max=2)


def fail(limits: AddressLimits, address: str, times: int = 3) -> None:
    for _ in range(times):
        limits.check(address)
        limits.count_failure(address)


def test_an_address_with_too_many_failures_waits(limits: AddressLimits, clock: ManualClock) -> None:
    fail(limits, "192.0.2.7")
    with pytest.raises(Rejected) as rejected:
        limits.check("192.0.2.7")
    assert rejected.value.refused.code == "too_many_attempts"
    clock.advance(timedelta(seconds=rejected.value.refused.retry_after_seconds or 0))
    limits.check("192.0.2.7")


def test_other_addresses_do_not(limits: AddressLimits) -> None:
    fail(limits, "192.0.2.7")
    limits.check("192.0.2.8")


def test_the_addresses_of_one_ipv6_network_are_one(limits: AddressLimits) -> None:
    for host in ("1", "2", "3"):
        fail(limits, f"2001:db8::{host}", times=1)
    with pytest.raises(Rejected):
        limits.check("2001:db8:0:0:ffff::9")
    limits.check("2001:db8:0:1::1")


def test_a_crowd_of_addresses_makes_the_one_forgotten_that_failed_longest_ago(
    limits: AddressLimits,
) -> None:
    fail(limits, "192.0.2.1")
    fail(limits, "192.0.2.2", times=2)
    fail(limits, "not an address" * 1_000, times=1)
    limits.check("192.0.2.1")
    assert len(limits) == 2
    fail(limits, "192.0.2.2", times=1)
    with pytest.raises(Rejected):
        limits.check("192.0.2.2")
