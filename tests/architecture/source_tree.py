"""The source as the architecture tests read it: parsed, never imported."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "feira"
SERVICES = PACKAGE / "services"

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    def at(self, line: int) -> str:
        """A place to click on: `src/feira/kernel/money.py:12`."""
        return f"{self.path.relative_to(ROOT)}:{line}"

    def identifiers(self) -> Iterator[tuple[str, int]]:
        """Every name that the code spells, with its line; texts and comments are not code."""
        for node in ast.walk(self.tree):
            line = getattr(node, "lineno", 1)
            for name in _names_in(node):
                yield name, line


def modules_under(*folders: Path) -> list[Module]:
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    return [Module(file, file.read_text(encoding="utf-8")) for file in files]


def layers_named(layer: str) -> list[Path]:
    """That layer's folder in every service."""
    return sorted(SERVICES.glob(f"*/{layer}"))


def assert_nowhere(places: list[str]) -> None:
    """Fail with every place, a line each."""
    assert not places, "\n".join(["", *places])


def words_of(identifier: str) -> list[str]:
    """`reserveStock_many` -> ["reserve", "stock", "many"]"""
    return [word.lower() for word in _WORD.findall(identifier)]


def _names_in(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=other):
            yield from filter(None, (name, other))
        case ast.keyword(arg="order", value=ast.Constant(value=True)):
            pass  # @dataclass(order=True): the standard library's word for "can be sorted"
        case ast.keyword(arg=str(name)) | ast.ImportFrom(module=str(name)):
            yield name
        case _:
            pass
