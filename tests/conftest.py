"""Rules for every test: its level is its folder's name, and no skip goes unseen."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import Phase, settings

if "FEIRA_NOTE_HANDLERS" in os.environ:  # before anything of Feira is imported
    from scripts.noted_handlers import note_handlers

    note_handlers(Path(os.environ["FEIRA_NOTE_HANDLERS"]))

# No example has a deadline: how long one takes says how busy the machine is, not that it is wrong.
settings.register_profile("feira", deadline=None, print_blob=True)
settings.load_profile("feira")
# `--hypothesis-profile first-failure`: any counterexample will do (scripts/mutants.py).
settings.register_profile(
    "first-failure", settings.get_profile("feira"), phases=(Phase.explicit, Phase.generate)
)

# As in the product: the one that structlog takes by itself prints all local variables, and one
# broken batch then costs seconds of CPU in the event loop.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback

TESTS = Path(__file__).parent
# FEIRA_REQUIRE=all: whatever a test needs must be here, so a skip is a failure.
SKIPS_FAIL = os.environ.get("FEIRA_REQUIRE") == "all"
IN_COMPANY = frozenset({"journeys"})
"""Levels whose tests share what is dear to start: one process runs them all. In the other levels
it is a file's tests that stay together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, so that `-m "not faults"` works, and with its company."""
    for item in items:
        if item.path.is_relative_to(TESTS) and item.path.parent != TESTS:
            level = item.path.relative_to(TESTS).parts[0]
            item.add_marker(level)
            item.add_marker(pytest.mark.xdist_group(level if level in IN_COMPANY else item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if SKIPS_FAIL and report.skipped and not hasattr(report, "wasxfail"):
        fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if SKIPS_FAIL and report.skipped:
        fail(report)
    return report


def fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"FEIRA_REQUIRE=all forbids skips: {reason}"
