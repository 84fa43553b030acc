"""Notes which exception handlers run, while tests do: `note_handlers(folder)` before the import.

Modules that are looked at are compiled with a note at the start of each `except`, around each
`suppress(…)` and each of tenacity's retry conditions. That costs nothing until one of them runs,
so whole test runs can carry it. Each process writes a file of `path:line` into the folder.
"""

import ast
import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, Final, NamedTuple, TypeVar

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "src"
LOOKED_AT: Final = (
    "feira/chassis/**/*.py",
    "feira/services/*/application/*.py",
    "feira/services/*/entrypoints/*.py",
)
_NOTES: Final = "_noted_handlers"

T = TypeVar("T", bound=ast.AST)


class Handler(NamedTuple):
    place: str
    """Path and line: `src/feira/chassis/lane.py:200`."""
    what: str

    def __str__(self) -> str:
        return f"{self.place}  {self.what}"


class Notes:
    """What has run in this process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{os.getpid()}.txt"
        self._known: set[str] = set()

    def ran(self, place: str) -> None:
        if place not in self._known:
            self._known.add(place)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{place}\n")

    def suppress(self, place: str, *kinds: type[BaseException]) -> "_Suppress":
        return _Suppress(lambda: self.ran(place), *kinds)

    def retry(self, place: str, condition: Callable[[Any], bool]) -> Callable[[Any], bool]:
        def noted(state: Any) -> bool:
            again = condition(state)
            if again:
                self.ran(place)
            return again

        return noted


class _Suppress(suppress):
    def __init__(self, ran: Callable[[], None], *kinds: type[BaseException]) -> None:
        super().__init__(*kinds)
        self._ran = ran

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        suppressed = bool(super().__exit__(kind, error, traceback))
        if suppressed:
            self._ran()
        return suppressed


class _Noting(ast.NodeTransformer):
    """Puts the notes into a module, and collects its handlers."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.handlers: list[Handler] = []

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        caught = f"except {ast.unparse(node.type)}" if node.type else "except"
        place = self._found(node, caught)
        node.body.insert(0, _at(node, ast.Expr(_call("ran", place))))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        what = ast.unparse(node)
        if isinstance(node.func, ast.Name) and node.func.id == "suppress":
            return _at(node, _call("suppress", self._found(node, what), *node.args))
        for keyword in node.keywords:
            if keyword.arg == "retry":
                place = self._found(keyword.value, ast.unparse(keyword.value))
                keyword.value = _at(keyword.value, _call("retry", place, keyword.value))
        return self.generic_visit(node)

    def _found(self, node: ast.expr | ast.ExceptHandler, what: str) -> str:
        handler = Handler(f"{self._path}:{node.lineno}", what)
        self.handlers.append(handler)
        return handler.place


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew each time: what is noted must not come into the cache of bytecode."""
        collects = gc.isenabled()
        gc.disable()  # what it collects may be told of with a traceback, which parses: 3.11 breaks
        try:
            tree, _ = with_notes(Path(self.path))
            return compile(tree, self.path, "exec", dont_inherit=True)
        finally:
            if collects:
                gc.enable()


class _Finder(MetaPathFinder):
    def __init__(self, files: frozenset[str]) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("feira."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin not in self._files:
            return None
        spec.loader = _Loader(fullname, spec.origin)
        return spec


def files_looked_at() -> list[Path]:
    return sorted(file for pattern in LOOKED_AT for file in SOURCE.glob(pattern))


def with_notes(file: Path) -> tuple[ast.Module, list[Handler]]:
    """A module's tree with notes in it, and the handlers they are of."""
    place = file.relative_to(ROOT) if file.is_relative_to(ROOT) else Path(file.name)
    noting = _Noting(place.as_posix())
    tree = noting.visit(ast.parse(file.read_text(encoding="utf-8")))
    return tree, sorted(noting.handlers)


def note_handlers(folder: Path) -> None:
    """From now on, in this process. Nothing that is looked at may have been imported before."""
    files = frozenset(map(str, files_looked_at()))
    loaded = [m for m in sys.modules.values() if getattr(m, "__file__", None) in files]
    assert not loaded, f"too late for {loaded}"
    folder.mkdir(parents=True, exist_ok=True)
    setattr(sys, _NOTES, Notes(folder))
    sys.meta_path.insert(0, _Finder(files))


def _call(method: str, place: str, *arguments: ast.expr) -> ast.Call:
    notes = f"__import__('sys').{_NOTES}.{method}"
    function = ast.parse(notes, mode="eval").body
    return ast.Call(function, [ast.Constant(place), *arguments], [])


def _at(node: ast.AST, made: T) -> T:
    """So that tracebacks tell the line of what was there."""
    for each in ast.walk(made):
        if not hasattr(each, "lineno"):
            ast.copy_location(each, node)
    return made
