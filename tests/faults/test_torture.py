"""A short torture: most kinds of faults at once, by a seed that is always the same and a fresh one.

`feira torture` does the same for as long as one likes (docs/torture.md).
"""

import asyncio
import os
import secrets
import sys

from feira.torture.catalog import FAULTS
from feira.torture.report import as_text
from feira.torture.torturing import Plan, torture

FIXED_SEED = 20_261_127
ROUND_SECONDS = 20
KINDS_MIN = 8
TEST_TIMEOUT_SECONDS = 1_000
"""Of a customer's patience and of the time to come to rest, each in both rounds."""
ELSEWHERE = {"kill-shop", "kill-everything"}
"""These have tests of their own: a whole shop starts again."""


async def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    """A disk can be full only where one can be mounted: where all is required, it must be so."""
    plan = Plan(
        minutes=2 * ROUND_SECONDS / 60,
        seeds=(FIXED_SEED, secrets.randbelow(10**9)),
        faults=[fault for fault in FAULTS if fault.name not in ELSEWHERE],
        customers=12,
        round_seconds=ROUND_SECONDS,
        pace=2.0,
    )
    sys.stdout.write(f"seeds {plan.seeds}\n")
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        run = await torture(plan, lambda what: None)
    sys.stdout.write(as_text(run))
    assert run.violations == [], as_text(run)
    assert not (run.left_out and os.environ.get("FEIRA_REQUIRE") == "all"), as_text(run)
    assert len(run.strikes.fired) >= KINDS_MIN, as_text(run)
    assert run.strikes.at_once_max >= KINDS_MIN, as_text(run)
