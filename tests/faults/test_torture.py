"""A short torture: most kinds of faults at once, by a seed that is always the same and a fresh one.

`feira torture` does the same for as long as one likes (docs/torture.md). `FEIRA_TEST_BROKER` names
the broker (`tests/shop.py`); where it is not Valkey, one round is enough.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from feira.torture.catalog import faults_named
from feira.torture.report import as_text
from feira.torture.torturing import Plan, Run, torture
from tests.shop import BROKER

FIXED_SEED = 20_261_127
ROUND_SECONDS = 20
KINDS_MIN = 8
TEST_TIMEOUT_SECONDS = 1_000
"""Of a customer's patience and of the time to come to rest, each in both rounds."""
ELSEWHERE = {"kill-shop", "kill-everything"}
"""These have tests of their own: a whole shop starts again."""
STOP_TIMEOUT_SECONDS = 120


async def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    """A disk can be full only where one can be mounted: where all is required, it must be so."""
    fresh = secrets.randbelow(10**9)
    seeds = (FIXED_SEED, fresh) if BROKER == "valkey" else (fresh,)
    plan = Plan(
        minutes=len(seeds) * ROUND_SECONDS / 60,
        seeds=seeds,
        faults=[fault for fault in faults_named("all", BROKER) if fault.name not in ELSEWHERE],
        broker=BROKER,
        customers=12,
        round_seconds=ROUND_SECONDS,
        pace=2.0,
        audit_every_seconds=10.0,
    )
    sys.stdout.write(f"seeds {plan.seeds}\n")
    run = Run(plan)
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await torture(run, lambda what: None)
    sys.stdout.write(as_text(run))
    assert run.violations == [], as_text(run)
    assert not (run.left_out and os.environ.get("FEIRA_REQUIRE") == "all"), as_text(run)
    assert len(run.strikes.fired) >= KINDS_MIN, as_text(run)
    assert run.strikes.at_once_max >= KINDS_MIN, as_text(run)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own, which is private: as root the parts run as another user."""
    with tempfile.TemporaryDirectory(prefix="feira-interrupted-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_ctrl_c_ends_it_and_leaves_nothing(folder: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "feira", "torture", "--broker", BROKER, "--minutes", "10"],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stderr is not None
        told = ""
        while "round 1" not in told:
            line = program.stderr.readline()
            assert line, f"it ended by itself: {told}"
            told += line
        program.send_signal(signal.SIGINT)
        out, rest = program.communicate(timeout=STOP_TIMEOUT_SECONDS)
    finally:
        program.kill()
        program.wait()
    assert program.returncode == 130, told + rest + out
    assert "ENDED BEFORE ITS TIME: interrupted" in out
    assert "Traceback" not in rest
    assert list(running_in(folder)) == []
    mounts = [disk.mountpoint for disk in psutil.disk_partitions(all=True)]
    assert [place for place in mounts if place.startswith(str(folder))] == []
    assert list(folder.iterdir()) == []


def running_in(folder: Path) -> Iterator[str]:
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        if str(folder) in command:
            yield command
