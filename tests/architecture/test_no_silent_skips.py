"""With FEIRA_REQUIRE=all (as in CI) a test that skips is a test that fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

PYTEST_TIMEOUT_SECONDS = 300

SKIPS = {
    "a call": "import pytest\ndef test_it(): pytest.skip('no broker')",
    "a mark": "import pytest\n@pytest.mark.skip(reason='no broker')\ndef test_it(): ...",
    "a fixture": (
        "import pytest\n@pytest.fixture\ndef broker(): pytest.skip('no broker')\n"
        "def test_it(broker): ..."
    ),
    "a module": "import pytest\npytest.skip('no broker', allow_module_level=True)",
}


@pytest.mark.parametrize("test", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_where_all_is_required(test: str, tmp_path: Path) -> None:
    result = run_pytest(tmp_path, test, require="all")
    assert result.returncode != 0
    assert "FEIRA_REQUIRE=all forbids skips" in result.stdout
    assert "no broker" in result.stdout


def test_a_skip_is_a_skip_elsewhere(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, SKIPS["a call"], require="")
    assert result.returncode == 0
    assert "1 skipped" in result.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    test = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert 1 == 2"
    result = run_pytest(tmp_path, test, require="all")
    assert result.returncode == 0
    assert "1 xfailed" in result.stdout


def run_pytest(folder: Path, test: str, require: str) -> subprocess.CompletedProcess[str]:
    """Run one test file under the project's own conftest, in a process of its own."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_sample.py").write_text(test)
    inherited = {k: v for k, v in os.environ.items() if k != "FEIRA_NOTE_HANDLERS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**inherited, "FEIRA_REQUIRE": require},
        capture_output=True,
        text=True,
        timeout=PYTEST_TIMEOUT_SECONDS,
        check=False,
    )
