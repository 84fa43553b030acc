"""A simulated run: the seed decides everything, every fault happens, a bug is caught and shrunk."""

import os
import subprocess
import sys
from dataclasses import replace
from random import randrange

import pytest

from feira.cli.simulate import report, simulate
from feira.services.inventory.domain import reservation
from feira.simulation.campaign import Campaign, carry_out, explain
from feira.simulation.faults import KINDS, parse_faults
from feira.simulation.plan import plan
from feira.simulation.run import run

FIXED_SEEDS = 10
ORDERS_A_SEED = 1_000
FRESH_SEEDS_BELOW = 10**9
PURCHASES = int(os.environ.get("FEIRA_SIMULATED_PURCHASES", "20000"))
JOBS = 2
HASH = """
from feira.simulation.plan import plan
from feira.simulation.run import run
print(run(plan("5", 80)).hash)
"""


def hash_with(hash_seed: str) -> str:
    """Of the same run in a process of its own, where strings hash otherwise."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.check_output(
        [sys.executable, "-c", HASH], env=environment, text=True, timeout=600
    ).strip()


def test_a_seed_is_the_same_history_in_every_process() -> None:
    hashes = {hash_with("1"), hash_with("2"), run(plan("5", 80)).hash}
    assert len(hashes) == 1
    assert hashes != {run(plan("6", 80)).hash}


def test_without_faults_nothing_happens_but_purchases() -> None:
    outcome = run(replace(plan("1", 100, parse_faults("none")), drops=(), crowd=()))
    assert outcome.violations == []
    assert not outcome.injected
    assert outcome.orders.total() == 100
    assert outcome.orders["paid"] > 30


def test_purchases_survive_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Fixed seeds, and fresh ones that are printed: half of the purchases each."""
    seeds = max(2, PURCHASES // ORDERS_A_SEED)
    first = randrange(FRESH_SEEDS_BELOW)
    fixed = [str(seed) for seed in range(1, seeds // 2 + 1)]
    fresh = [str(first + at) for at in range(seeds - len(fixed))]
    campaign = Campaign(seeds=(*fixed, *fresh), orders=ORDERS_A_SEED, jobs=JOBS)
    with capsys.disabled():
        say(f"\nsimulating seeds {fixed[0]} to {fixed[-1]} and {fresh[0]} to {fresh[-1]}")
        result = carry_out(campaign, say)
        say("\n".join(report(campaign, result)))
    assert result.failures == []


def say(line: str) -> None:
    """Straight to the terminal, whatever pytest does with what tests print."""
    sys.__stdout__ and sys.__stdout__.write(f"{line}\n")


def test_a_bug_is_caught_shrunk_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that ends does not give its units back."""
    monkeypatch.setattr(reservation, "_free", lambda *_: None)
    campaign = Campaign(seeds=("1",), orders=40, shrink_seconds_max=30)
    outcome = run(campaign.plan_of("1"))
    assert outcome.violations
    told = explain(campaign, "1", outcome)
    assert "feira simulate --seed 1 --orders 40" in told
    assert "customers: [" in told


def test_the_command_tells_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(["--seed", "3", "--orders", "30", "--faults", "network,crash"]) == 0
    told = capsys.readouterr().out
    assert "30 purchases" in told
    assert "request_lost" in told
    assert "contention" not in told
    assert "everything held" in told


def test_only_known_faults_can_be_asked_for() -> None:
    assert parse_faults("all") == set(KINDS)
    with pytest.raises(SystemExit):
        simulate(["--faults", "bad_luck"])
