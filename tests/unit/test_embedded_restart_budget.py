"""A process that keeps dying is started again at once, then slower, then not at all."""

import pytest

from feira.embedded.process import ending
from feira.embedded.restart_budget import RestartBudget


def test_each_restart_within_a_minute_waits_twice_as_long() -> None:
    budget = RestartBudget(8, delay_seconds_first=0.1, delay_seconds_max=1.0)

    delays = [budget.spend(now_seconds=float(second)) for second in range(6)]

    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_a_used_up_budget_says_so() -> None:
    budget = RestartBudget(2)

    assert [budget.spend(0.0) is None for _ in range(4)] == [False, False, True, True]


def test_a_quiet_minute_gives_the_budget_back() -> None:
    budget = RestartBudget(2, delay_seconds_first=0.1)
    budget.spend(0.0)
    budget.spend(30.0)

    assert budget.spend(59.9) is None
    assert budget.spend(60.0) == pytest.approx(0.2)  # the restart at 30 s still counts
    assert budget.spend(121.0) == pytest.approx(0.1)


def test_a_budget_of_nothing_never_restarts() -> None:
    assert RestartBudget(0).spend(0.0) is None


@pytest.mark.parametrize(
    ("returncode", "words"), [(0, "code 0"), (3, "code 3"), (-9, "SIGKILL"), (-64, "signal 64")]
)
def test_an_ending_is_told_in_words(returncode: int, words: str) -> None:
    # 64 is SIGRTMAX on Linux, a signal without a name elsewhere
    assert ending(returncode) in {words, "SIGRTMAX"}
