"""Which exception handlers no test has executed: `except`, `suppress` and retry conditions.

    scripts/exception_coverage.py               run the fast tests, and list them
    scripts/exception_coverage.py --notes DIR   of a test run with FEIRA_NOTE_HANDLERS=DIR

A handler that never ran is a promise that nobody has tried. Looked at: the chassis, and the
application and entrypoints of every service. Some handlers of the brokers' clients run only when a
real broker fails at the right moment: those are listed, and do not fail the run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.noted_handlers import Handler, files_looked_at, with_notes  # noqa: E402

FAST_TESTS: Final = (
    *("tests/unit", "tests/component/http"),
    *("tests/adapters/chassis", "tests/adapters/transports"),
)
BY_CHANCE: Final = tuple(
    f"src/feira/chassis/transports/{client}" for client in ("amqp", "kafka", "valkey")
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--notes", type=Path, help="what a test run that was made already noted")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="feira-handlers-") as folder:
        ran = noted_in(options.notes or _run_tests(Path(folder)))
    handlers = list(all_handlers())
    never = [handler for handler in handlers if handler.place not in ran]
    print(f"{len(handlers)} handlers, {len(handlers) - len(never)} of them executed")
    for handler in never:
        by_chance = handler.place.startswith(BY_CHANCE)
        print(f"  {'not this time' if by_chance else 'never'}: {handler}")
    return 0 if all(handler.place.startswith(BY_CHANCE) for handler in never) else 1


def all_handlers() -> Iterator[Handler]:
    for file in files_looked_at():
        yield from with_notes(file)[1]


def noted_in(folder: Path) -> frozenset[str]:
    """The places that some process has noted."""
    notes = [file.read_text(encoding="utf-8") for file in folder.glob("*.txt")]
    return frozenset(place for note in notes for place in note.splitlines())


def _run_tests(folder: Path) -> Path:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FAST_TESTS]
    noting = {**os.environ, "FEIRA_NOTE_HANDLERS": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=noting, check=False)
    if done.returncode:
        sys.exit("the tests do not pass: what they have executed says nothing")
    return folder


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
