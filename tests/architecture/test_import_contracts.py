"""The import contracts hold, and each of them bites.

A contract that cannot fail proves nothing: for each one a violation is written into a throw-away
copy of the source, and `lint-imports` must refuse that copy, by that contract.
"""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.source_tree import PACKAGE, ROOT

CONFIG = ROOT / ".importlinter"
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
LINT_TIMEOUT_SECONDS = 300


class Violation(NamedTuple):
    """An import that a contract forbids: `module` (made for it) imports `imported`.

    An imported module of Feira that does not exist is made too.
    """

    contract: str
    module: str
    imported: str


ORDERS = "feira.services.orders"

VIOLATIONS = [
    Violation("platform", "feira.runtime.bad", "feira.simulation"),
    Violation("platform", "feira.bench.bad", "feira.simulation"),
    Violation("platform", "feira.kernel.bad", "feira.chassis"),
    Violation("platform", "feira.contracts.bad", "feira.chassis"),
    Violation("platform", "feira.chassis.bad", ORDERS),
    Violation("platform", "feira.chassis.bad", "feira.cli"),
    Violation("platform", f"{ORDERS}.adapters.bad", "feira.sandbox.bad"),
    Violation("platform", "feira.embedded.bad", ORDERS),
    Violation("platform", f"{ORDERS}.bad", "feira.audit.bad"),
    Violation("platform", f"{ORDERS}.bad", "feira.runtime"),
    Violation("platform", "feira.runtime.bad", "feira.cli"),
    Violation("platform", "feira.runtime.bad", "feira.published"),
    Violation("platform", "feira.runtime.bad", "feira.model"),
    Violation("platform", "feira.runtime.bad", "feira.torture.bad"),
    Violation("platform", "feira.odds_and_ends", "feira.kernel"),
    Violation("kernel", "feira.kernel.bad", "msgspec"),
    Violation("kernel", "feira.kernel.bad", "feira.contracts"),
    Violation("audit", "feira.audit.bad", "feira.chassis"),
    Violation("audit", "feira.audit.bad", "msgspec"),
    Violation("audit", "feira.audit.bad", f"{ORDERS}.domain.bad"),
    Violation("contracts", "feira.contracts.bad", "pydantic"),
    Violation("contracts", "feira.contracts.bad", "feira.chassis"),
    Violation("chassis", "feira.chassis.bad", "feira.contracts.gossip"),
    Violation("sandbox", "feira.sandbox.bad", "feira.chassis"),
    Violation("sandbox", "feira.sandbox.bad", "feira.contracts"),
    Violation("independence", f"{ORDERS}.application.bad", "feira.services.catalog.domain.bad"),
    Violation("independence", "feira.services.payments.bootstrap_bad", f"{ORDERS}.domain.bad"),
    Violation("layers", f"{ORDERS}.domain.bad", f"{ORDERS}.application.bad"),
    Violation("layers", f"{ORDERS}.application.bad", f"{ORDERS}.adapters.bad"),
    Violation("layers", f"{ORDERS}.application.bad", f"{ORDERS}.entrypoints.bad"),
    Violation("layers", f"{ORDERS}.entrypoints.bad", f"{ORDERS}.adapters.bad"),
    Violation("layers", f"{ORDERS}.adapters.bad", f"{ORDERS}.entrypoints.bad"),
    Violation("layers", f"{ORDERS}.adapters.bad", f"{ORDERS}.bootstrap"),
    Violation("layers", f"{ORDERS}.odds_and_ends", "feira.kernel"),
    Violation("domain", f"{ORDERS}.domain.bad", "asyncio"),
    Violation("domain", f"{ORDERS}.domain.bad", "uuid"),
    Violation("domain", f"{ORDERS}.domain.bad", "fastapi"),
    Violation("domain", f"{ORDERS}.domain.bad", "feira.contracts.message"),
    Violation("application", f"{ORDERS}.application.bad", "starlette"),
    Violation("application", f"{ORDERS}.application.bad", "sqlalchemy"),
    Violation("model", "feira.model.bad", "asyncpg"),
    Violation("model", "feira.model.bad", "feira.runtime"),
    Violation("asyncpg", f"{ORDERS}.entrypoints.bad", "asyncpg"),
    Violation("asyncpg", "feira.chassis.bad", "asyncpg"),
    Violation("asyncpg", f"{ORDERS}.application.bad", "psycopg2"),
    Violation("brokers", "feira.chassis.bad", "confluent_kafka"),
    Violation("brokers", f"{ORDERS}.adapters.bad", "pika"),
]


@pytest.fixture
def copy_of_source(tmp_path: Path) -> Path:
    """A folder with a copy of the package, without what is not Python."""
    for file in PACKAGE.rglob("*.py"):
        target = tmp_path / file.relative_to(PACKAGE.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return tmp_path


def test_the_source_obeys_every_contract() -> None:
    result = lint_imports(PACKAGE.parent)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda v: f"{v.contract}:{v.imported}")
def test_a_violation_is_refused(violation: Violation, copy_of_source: Path) -> None:
    if violation.imported.startswith("feira."):
        write(copy_of_source, violation.imported)
    write(copy_of_source, violation.module, f"import {violation.imported}\n")

    result = lint_imports(copy_of_source, contract=violation.contract)

    assert result.returncode == 1, result.stdout
    assert "1 broken" in result.stdout
    assert violation.module in result.stdout


def test_every_contract_has_a_violation() -> None:
    config = configparser.ConfigParser()
    config.read(CONFIG)
    prefix = "importlinter:contract:"
    contracts = {name.removeprefix(prefix) for name in config.sections() if prefix in name}
    assert {violation.contract for violation in VIOLATIONS} == contracts


def lint_imports(source: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package in a folder; its exit code is 1 when a contract breaks."""
    only = ["--contract", contract] if contract else []
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--config", CONFIG, "--no-cache", "--no-logo", *only],
        cwd=source,
        env={**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=LINT_TIMEOUT_SECONDS,
        check=False,
    )


def write(source: Path, module: str, text: str = "") -> None:
    """Append to a module, making it and the packages above it where they do not exist."""
    path = source.joinpath(*module.split("."))
    if path.is_dir():
        path /= "__init__"
    file = path.with_suffix(".py")
    for package in file.relative_to(source).parents[:-1]:
        (source / package).mkdir(parents=True, exist_ok=True)
        (source / package / "__init__.py").touch()
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)
