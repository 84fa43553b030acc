"""Make `.venv` what a lock file says: `python3 scripts/install.py runtime|dev`.

Needs Python 3.11 or later with its venv module, and nothing else. Installs when the lock, the
project's table, the Python or the folder has changed since the last time, else returns at once.
The build backend comes from the lock too, so that nothing is installed without its hash.
"""

import hashlib
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
PROJECT_FILE = ROOT / "pyproject.toml"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}


class CannotInstall(Exception):
    """Something on this machine is missing; the message says what to do."""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print("usage: python3 scripts/install.py runtime|dev", file=sys.stderr)
        return 2
    try:
        install(arguments[0])
    except CannotInstall as error:
        print(f"feira: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("feira: installation interrupted; the next `make` goes on with it", file=sys.stderr)
        return 130
    return 0


def install(level: str) -> None:
    """Install the packages of a level, and Feira itself, unless the stamp says it is done."""
    if not runs(VENV_PYTHON):
        create_venv()
    stamp, key = VENV / f".feira-{level}", key_of(LOCKS[level])
    if stamp.exists() and stamp.read_text() == key:
        return
    print(f"feira: installing {LOCKS[level].name} into .venv (once)", file=sys.stderr, flush=True)
    pip("--require-hashes", "--requirement", str(LOCKS[level]))
    pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    compile_source()
    stamp.write_text(key)


def compile_source() -> None:
    """As pip does with the packages: half a dozen processes start faster for it, also where
    PYTHONDONTWRITEBYTECODE keeps each of them from leaving what it has compiled."""
    source = str(ROOT / "src")
    run([str(VENV_PYTHON), "-m", "compileall", "-q", source], f"cannot compile {source}")


def create_venv() -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise CannotInstall(
                f"this Python lacks its {module} module: "
                "on Debian and Ubuntu, `apt install python3-venv` brings it"
            )
    run([sys.executable, "-m", "venv", "--clear", str(VENV)], "cannot create .venv")


def key_of(lock: Path) -> str:
    """Changes with whatever an installation depends on."""
    version = subprocess.check_output([str(VENV_PYTHON), "--version"], text=True)
    project = tomllib.loads(PROJECT_FILE.read_text(encoding="utf-8"))["project"]
    parts = [str(ROOT), version, lock.read_text(encoding="utf-8"), str(project)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def runs(python: Path) -> bool:
    """Whether an interpreter is there and starts (its base may have been upgraded away)."""
    command = [str(python), "-c", "import pip"]
    return python.exists() and subprocess.call(command, stderr=subprocess.DEVNULL) == 0


def pip(*arguments: str) -> None:
    options = ["--quiet", "--no-input", "--disable-pip-version-check"]
    run([str(VENV_PYTHON), "-m", "pip", "install", *options, *arguments], "pip failed")


def run(command: list[str], otherwise: str) -> None:
    if subprocess.call(command) != 0:
        raise CannotInstall(f"{otherwise}: the lines above say why")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
