"""`scripts/install.py` installs when something changed, and only then.

It runs as make runs it, in a folder of its own, with a `.venv` whose Python only writes down what
it is asked to do.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "install.py"
INSTALL_TIMEOUT_SECONDS = 30

RECORDING_PYTHON = """#!/bin/sh
case "$1" in
    --version) echo "Python 3.11.7" ;;
    -m) echo "$*" >> "$(dirname "$0")/asked" ; exit "$(cat "$(dirname "$0")/exit_code")" ;;
esac
"""


class Checkout:
    """A clone with what install.py reads, and a recording Python."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "scripts").mkdir()
        shutil.copyfile(SCRIPT, root / "scripts" / "install.py")
        (root / "pyproject.toml").write_text('project.version = "1"')
        for name in ("requirements.lock", "requirements-dev.lock"):
            (root / name).write_text("one==1")
        self.bin = root / ".venv" / "bin"
        self.bin.mkdir(parents=True)
        (self.bin / "python").write_text(RECORDING_PYTHON)
        (self.bin / "python").chmod(0o755)
        self.let_pip_exit_with(0)

    def let_pip_exit_with(self, code: int) -> None:
        (self.bin / "exit_code").write_text(str(code))

    def install(self, level: str = "runtime") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "scripts/install.py", level],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_SECONDS,
            check=False,
        )

    def asked(self) -> list[str]:
        """What pip was asked since the last time."""
        log = self.bin / "asked"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_time_installs_the_lock_by_hash_then_feira(checkout: Checkout) -> None:
    assert checkout.install().returncode == 0
    packages, feira, compiling = checkout.asked()
    assert packages.startswith("-m pip install")
    assert packages.endswith(f"--require-hashes --requirement {checkout.root}/requirements.lock")
    assert feira.endswith(f"--no-deps --no-build-isolation --editable {checkout.root}")
    assert compiling == f"-m compileall -q {checkout.root}/src"


def test_the_second_time_does_nothing(checkout: Checkout) -> None:
    checkout.install()
    checkout.asked()
    assert checkout.install().returncode == 0
    assert checkout.asked() == []


@pytest.mark.parametrize(
    ("changed", "to"),
    [("pyproject.toml", 'project.version = "2"'), ("requirements.lock", "one==2")],
)
def test_a_change_installs_again(checkout: Checkout, changed: str, to: str) -> None:
    checkout.install()
    checkout.asked()
    (checkout.root / changed).write_text(to)
    checkout.install()
    assert len(checkout.asked()) == 3


def test_another_lint_rule_installs_nothing(checkout: Checkout) -> None:
    checkout.install()
    checkout.asked()
    with (checkout.root / "pyproject.toml").open("a") as file:
        file.write("\n[tool.ruff]\nline-length = 100\n")
    checkout.install()
    assert checkout.asked() == []


def test_developers_have_a_lock_of_their_own(checkout: Checkout) -> None:
    checkout.install("runtime")
    checkout.asked()
    checkout.install("dev")
    assert "requirements-dev.lock" in checkout.asked()[0]


def test_what_failed_is_said_and_tried_again(checkout: Checkout) -> None:
    checkout.let_pip_exit_with(1)
    result = checkout.install()
    assert result.returncode == 1
    assert "pip failed" in result.stderr
    checkout.asked()
    checkout.let_pip_exit_with(0)
    assert checkout.install().returncode == 0
    assert len(checkout.asked()) == 3


def test_an_unknown_level_is_refused(checkout: Checkout) -> None:
    assert checkout.install("everything").returncode == 2
    assert checkout.asked() == []
