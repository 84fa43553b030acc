"""The lock files pin by hash all that pyproject.toml names, and say nothing of where it is."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.source_tree import PACKAGE, ROOT, modules_under

RUNTIME, DEV = "requirements.lock", "requirements-dev.lock"
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)
NAME = re.compile(r"^[\w.-]+")


def pins_of(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text(encoding="utf-8")))


def dependencies(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = list(project["dependencies"])
    for extra in extras:
        named += project["optional-dependencies"][extra]
    return {normalised(match[0]) for match in map(NAME.match, named) if match}


def imported_packages() -> set[str]:
    """The third-party packages that the source imports, by their top-level name."""
    names: set[str] = set()
    for module in modules_under(PACKAGE):
        for node in ast.walk(module.tree):
            match node:
                case ast.Import(names=aliases):
                    names |= {alias.name for alias in aliases}
                case ast.ImportFrom(module=str(name)):
                    names.add(name)
                case _:
                    pass
    return {name.split(".", 1)[0] for name in names} - sys.stdlib_module_names - {"feira"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", [RUNTIME, DEV])
def test_every_line_is_a_pin_with_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    odd = [line for line in lines if not re.match(r"\S+==\S+.* \\$|    --hash=sha256:\w{64}", line)]
    assert odd == []
    assert "://" not in text


@pytest.mark.parametrize(("lock", "extras"), [(RUNTIME, ["build"]), (DEV, ["build", "dev"])])
def test_every_dependency_is_locked(lock: str, extras: list[str]) -> None:
    assert dependencies(*extras) - pins_of(lock).keys() == set()


def test_every_package_that_is_imported_is_named() -> None:
    """A dependency of a dependency may go; what Feira imports, pyproject.toml names."""
    distributions = packages_distributions()
    unnamed = {
        package
        for package in imported_packages()
        if dependencies().isdisjoint(map(normalised, distributions.get(package, [package])))
    }
    assert unnamed == set()


def test_developers_run_what_users_run() -> None:
    assert pins_of(RUNTIME).items() <= pins_of(DEV).items()
