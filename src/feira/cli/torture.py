"""`feira torture`: a real shop, real faults, and the auditor at the end."""

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import uvloop

from feira.torture.catalog import FAULTS, faults_named
from feira.torture.report import as_json, as_text
from feira.torture.torturing import CUSTOMERS, Plan, Run, torture

HELD: Final = 0
DID_NOT_HOLD: Final = 1
INTERRUPTED: Final = 130
SEED_MAX: Final = 10**9
INTERRUPTION: Final = "interrupted"
BROKERS: Final = ("valkey", "kafka", "rabbitmq")
RELAYS: Final = ("poll", "cdc")


def run(arguments: Sequence[str]) -> int:
    """Torture, print the report, return the exit code."""
    plan, json_file = _plan(arguments)
    _say(f"seed {plan.seeds[0]}; {len(plan.faults)} kinds of faults")
    done = Run(plan)
    try:
        uvloop.run(_until_interrupted(done))
    except RuntimeError as error:
        done.stopped = str(error)
    print(as_text(done))
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(done), indent=2) + "\n")
    if done.stopped == INTERRUPTION:
        return INTERRUPTED
    return HELD if done.held and not _must_do_all(done) else DID_NOT_HOLD


async def _until_interrupted(done: Run) -> None:
    """Ctrl-C ends it, once: what is being put back then is not to be interrupted again."""
    torturing = asyncio.create_task(torture(done, _say))

    def interrupt() -> None:
        if done.stopped is None:
            done.stopped = INTERRUPTION
            _say("interrupted: stopping everything, and putting it back")
            torturing.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    with suppress(asyncio.CancelledError):
        await torturing


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _must_do_all(done: Run) -> bool:
    """Where everything is required, a fault that this machine does not allow is a failure."""
    return bool(done.left_out) and os.environ.get("FEIRA_REQUIRE") == "all"


def _plan(arguments: Sequence[str]) -> tuple[Plan, Path | None]:
    parser = argparse.ArgumentParser(prog="feira torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="of faults, the rests aside")
    parser.add_argument("--seed", type=int, default=None, help="a fresh one when none is given")
    names = ", ".join(fault.name for fault in FAULTS)
    parser.add_argument("--faults", default="all", help=f"all, or some by commas: {names}")
    parser.add_argument("--broker", choices=BROKERS, default="valkey")
    parser.add_argument("--relay", choices=RELAYS, default="poll", help="of the outboxes")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="at once")
    parser.add_argument("--json", type=Path, default=None, help="where the report goes as JSON")
    options: Any = parser.parse_args(arguments)
    try:
        faults = faults_named(options.faults, options.broker)
    except ValueError as error:
        parser.error(str(error))
    plan = Plan(
        minutes=options.minutes,
        seeds=[secrets.randbelow(SEED_MAX) if options.seed is None else options.seed],
        faults=faults,
        broker=options.broker,
        relay=options.relay,
        customers=options.customers,
    )
    return plan, options.json
