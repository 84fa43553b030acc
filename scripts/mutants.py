"""Plant known bugs in a copy of the source, one at a time: the tests must catch each of them.

    scripts/mutants.py                 all of them, with a table
    scripts/mutants.py --sample 8      so many, drawn by --seed (printed), for a quick check
    scripts/mutants.py "never halt"    those whose name contains this
    scripts/mutants.py --jobs 1        one after another; else four at once, each in its own copy
    scripts/mutants.py --write FILE    put the table into a document, between its two marks

The tables are tests/mutants/*.toml: an exact piece of a file, what it becomes, why that is a bug,
and the tests that catch it. A mutant counts as caught when a test fails; one that keeps the tests
from running is a fault of the table, as is one whose old text is not there exactly once.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
TABLES: Final = ROOT / "tests" / "mutants"
COPIED: Final = ("src", "tests", "scripts", "docs", "pyproject.toml", ".importlinter", "README.md")
FETCHED: Final = ROOT / ".cache"
"""The Kafka that tests start, where it was fetched (`make kafka`)."""
TESTS_SECONDS_MAX: Final = 300
QUICK: Final = ("tests/unit/", "tests/architecture/")
FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)
PYTEST: Final = (
    *("-q", "-x", "-p", "no:cacheprovider", "-n", "0"),
    *("--hypothesis-profile", "first-failure"),
)
MARKS: Final = ("<!-- mutants: begin -->", "<!-- mutants: end -->")

PASSED, CAUGHT = 0, 1  # pytest's exit codes


@dataclass(frozen=True, slots=True)
class Mutant:
    area: str
    name: str
    why: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """Arguments of pytest."""

    @property
    def is_quick(self) -> bool:
        return all(t.startswith(QUICK) for t in self.tests if t.startswith("tests/"))

    def applied_to(self, text: str) -> str:
        """Raises ValueError when its old text is not there exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {text.count(self.old)} times in {self.file}, not once")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Verdict:
    mutant: Mutant
    caught_by: str | None
    """The test that failed first; None: it survived."""
    seconds: float
    output: str = ""


def all_mutants(tables: Path = TABLES) -> list[Mutant]:
    return [mutant for table in sorted(tables.glob("*.toml")) for mutant in _read(table)]


def _read(table: Path) -> Iterator[Mutant]:
    for row in tomllib.loads(table.read_text(encoding="utf-8"))["mutant"]:
        yield Mutant(
            area=table.stem,
            name=row["name"],
            why=row["why"],
            file=row["file"],
            old=row["old"],
            new=row["new"],
            tests=tuple(row["tests"]),
        )


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    chosen = _chosen(options)
    with tempfile.TemporaryDirectory(prefix="feira-mutants-") as folder:
        copies = [Path(folder) / str(job) for job in range(max(1, options.jobs))]
        for copy in copies:
            _copy_to(copy)
        if not options.trust_tests:
            _check_that_tests_pass(copies[0], chosen)
        verdicts = _try_all(copies, chosen)
    survivors = [verdict for verdict in verdicts if verdict.caught_by is None]
    print(f"\n{len(verdicts) - len(survivors)} of {len(verdicts)} mutants caught")
    for verdict in survivors:
        print(f"\nSURVIVED: {verdict.mutant.name}\n{verdict.output[-1500:]}")
    if options.write and not survivors:
        _write(options.write, verdicts)
    return 1 if survivors else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("name", nargs="?", default="", help="only those whose name contains this")
    parser.add_argument("--area", action="append", default=[], help="only those of this table")
    parser.add_argument("--sample", type=int, help="only so many, drawn by the seed")
    parser.add_argument("--quick", action="store_true", help="only those that unit tests catch")
    parser.add_argument("--seed", type=int, default=None, help="of the sample; a new one if absent")
    parser.add_argument("--jobs", type=int, default=4, help="so many at once (4): most wait")
    parser.add_argument("--trust-tests", action="store_true", help="they have just been run")
    parser.add_argument("--write", type=Path, help="a document to put the table into")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> list[Mutant]:
    areas = set(options.area) or {mutant.area for mutant in all_mutants()}
    mutants = [m for m in all_mutants() if options.name in m.name and m.area in areas]
    if options.quick:
        mutants = [mutant for mutant in mutants if mutant.is_quick]
    if not mutants:
        sys.exit(f"no mutant is named like {options.name!r}")
    if options.sample is None:
        return mutants
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    print(f"a sample of {options.sample}: --sample {options.sample} --seed {seed}")
    return random.Random(seed).sample(mutants, min(options.sample, len(mutants)))  # noqa: S311


def _copy_to(folder: Path) -> None:
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copyfile(source, folder / name)
    if FETCHED.is_dir():
        (folder / FETCHED.name).symlink_to(FETCHED)


def _check_that_tests_pass(copy: Path, mutants: Sequence[Mutant]) -> None:
    """A test that fails anyway catches nothing."""
    selections = dict.fromkeys(mutant.tests for mutant in mutants)
    print(f"{len(mutants)} mutants, {len(selections)} selections of tests", flush=True)
    for tests in selections:
        code, output = _run_tests(copy, tests)
        if code != PASSED:
            sys.exit(f"without any mutant, this does not pass: {' '.join(tests)}\n{output[-3000:]}")


def _try_all(copies: Sequence[Path], mutants: Sequence[Mutant]) -> list[Verdict]:
    """In the order of the mutants; as many at once as there are copies, each in one of its own."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def try_one(mutant: Mutant) -> Verdict:
        copy = free.get()
        try:
            return _try(copy, mutant)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(try_one, mutants))


def _try(copy: Path, mutant: Mutant) -> Verdict:
    file = copy / mutant.file
    plain = file.read_text(encoding="utf-8")
    file.write_text(mutant.applied_to(plain), encoding="utf-8")
    started = monotonic()
    try:
        code, output = _run_tests(copy, mutant.tests)
    finally:
        file.write_text(plain, encoding="utf-8")
    if code not in (PASSED, CAUGHT):
        output = f"the tests could not run (pytest's code {code})\n{output}"
    failed = FAILED.search(output)
    caught_by = failed[1] if failed and code == CAUGHT else None
    verdict = Verdict(mutant, caught_by, monotonic() - started, output)
    mark = f"{verdict.seconds:5.1f} s  {caught_by or 'SURVIVED'}"
    print(f"{mutant.area:10} {mutant.name:60} {mark}", flush=True)
    return verdict


def _run_tests(copy: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Pytest's exit code and output. The copy comes first on the path, before what is installed."""
    paths = os.pathsep.join((str(copy / "src"), str(copy)))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *PYTEST]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TESTS_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return -1, f"not done after {TESTS_SECONDS_MAX} s: {expired.stdout!r}"
    return done.returncode, done.stdout + done.stderr


def _write(document: Path, verdicts: Sequence[Verdict]) -> None:
    """Replace what stands between the marks."""
    begin, end = MARKS
    text = document.read_text(encoding="utf-8")
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    document.write_text(f"{head}{begin}\n{_table(verdicts)}{end}{tail}", encoding="utf-8")


def _table(verdicts: Sequence[Verdict]) -> str:
    lines = ["| where | mutant | why it is a bug | caught by |", "|---|---|---|---|"]
    for verdict in verdicts:
        mutant = verdict.mutant
        where = mutant.file.removeprefix("src/feira/")
        lines.append(f"| `{where}` | {mutant.name} | {mutant.why} | `{verdict.caught_by}` |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
