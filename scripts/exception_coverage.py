"""Which exception handlers no test has executed: `except` clauses and tenacity's retry conditions.

    scripts/exception_coverage.py             run the fast tests with coverage, and list them
    scripts/exception_coverage.py --data FILE look at the coverage data of another run

A handler that never ran is a promise that nobody has tried. Looked at: the chassis, and the
application and entrypoints of every service. A handler counts as executed when a line of its body
was; a retry condition when the function that holds it was (the condition itself is a value).
"""

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from coverage import CoverageData

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "src" / "feira"
LOOKED_AT: Final = ("chassis/**/*.py", "services/*/application/*.py", "services/*/entrypoints/*.py")
FAST_TESTS: Final = ("tests/unit", "tests/adapters", "tests/component/http")


class Handler(NamedTuple):
    file: Path
    line: int
    what: str
    body: frozenset[int]
    """Lines of which one at least must have run."""

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}  {self.what}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="coverage data of a run that was made already")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="feira-coverage-") as folder:
        data = options.data or _run_tests(Path(folder) / "coverage")
        executed = _executed(data)
    handlers = list(all_handlers())
    unexecuted = [h for h in handlers if not h.body & executed.get(str(h.file), frozenset())]
    print(f"{len(handlers)} handlers, {len(handlers) - len(unexecuted)} of them executed")
    for handler in unexecuted:
        print(f"  never: {handler}")
    return 1 if unexecuted else 0


def all_handlers(package: Path = PACKAGE) -> Iterator[Handler]:
    for pattern in LOOKED_AT:
        for file in sorted(package.glob(pattern)):
            yield from handlers_of(file)


def handlers_of(file: Path) -> Iterator[Handler]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=caught, body=body):
                name = f"except {ast.unparse(caught)}" if caught else "except"
                yield Handler(file, node.lineno, name, _lines(body))
            case ast.With(items=items, body=body) if suppressed := _suppressed(items):
                yield Handler(file, node.lineno, suppressed, _lines(body))
            case ast.keyword(arg="retry", value=value):
                lines = frozenset(range(value.lineno, (value.end_lineno or value.lineno) + 1))
                yield Handler(file, value.lineno, ast.unparse(value), lines)
            case _:
                pass


def _lines(body: Sequence[ast.stmt]) -> frozenset[int]:
    return frozenset(
        line for node in body for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


def _suppressed(items: Sequence[ast.withitem]) -> str | None:
    calls = [ast.unparse(item.context_expr) for item in items]
    return next((call for call in calls if call.startswith("suppress(")), None)


def _executed(data: Path) -> dict[str, frozenset[int]]:
    """The lines that ran, by file."""
    coverage = CoverageData(basename=str(data))
    coverage.read()
    return {file: frozenset(coverage.lines(file) or ()) for file in coverage.measured_files()}


def _run_tests(data: Path) -> Path:
    command = [sys.executable, "-m", "coverage", "run", "--data-file", str(data)]
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *FAST_TESTS]
    done = subprocess.run([*command, *tests], cwd=ROOT, env=dict(os.environ), check=False)
    if done.returncode:
        sys.exit("the tests do not pass: what they have executed says nothing")
    return data


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
