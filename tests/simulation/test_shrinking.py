"""A failing plan is shrunk by what cannot matter, then by halves: here with made-up runs."""

import pytest

from feira.simulation.plan import Plan, plan
from feira.simulation.run import Outcome
from feira.simulation.shrinking import PARTS, Shrinker

NOTICED_AT = 20.0
CULPRIT = 77


class Runs:
    """Fails while one customer is there, and one kind of fault may happen."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    def __call__(self, tried: Plan) -> Outcome:
        self.plans.append(tried)
        is_there = any(arrival.number == CULPRIT for arrival in tried.customers)
        fails = is_there and "commit_lost" in tried.kinds
        return Outcome(violations=[f"at {NOTICED_AT:.3f} s: order 17: paid twice"] if fails else [])


@pytest.fixture
def runs() -> Runs:
    return Runs()


def shrunk(runs: Runs, whole: Plan, seconds_max: float = 600) -> Plan:
    return Shrinker(whole, runs(whole), seconds_max=seconds_max, runner=runs).shrink().plan


def test_what_came_later_is_left_out_first_and_at_once(runs: Runs) -> None:
    whole = plan("1", 1_000)
    shrunk(runs, whole)
    first = runs.plans[1]
    assert (first.seconds, first.kinds) == (whole.seconds, whole.kinds)
    for part in PARTS:
        came = [one for one in getattr(whole, part) if one.at_seconds <= NOTICED_AT]
        assert list(getattr(first, part)) == came
        assert len(came) < len(getattr(whole, part))


def test_a_thousand_customers_shrink_to_one_within_a_few_runs(runs: Runs) -> None:
    smallest = shrunk(runs, plan("1", 1_000))
    assert [arrival.number for arrival in smallest.customers] == [CULPRIT]
    assert [part for part in PARTS if getattr(smallest, part)] == ["customers"]
    assert "commit_lost" in smallest.kinds
    assert not {"crash", "request_lost", "clock_back"} & smallest.kinds
    assert len(runs.plans) < 100


def test_without_time_nothing_is_tried(runs: Runs) -> None:
    whole = plan("1", 1_000)
    assert shrunk(runs, whole, seconds_max=0) == whole
    assert runs.plans == [whole]
