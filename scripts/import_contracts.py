"""A contract type for import-linter: a closed list of what some modules may import.

A list of forbidden imports lets in whatever nobody thought of; this one lets in what it names:

    [importlinter:contract:kernel]
    name = The kernel stands on the standard library alone
    type = allowlist
    modules = feira.kernel
    may_import = stdlib

A name covers what is below it, `*` stands for one part of a name, and `stdlib` for the standard
library. Modules may always import themselves and what is below them. Only direct imports count.
"""

import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Import = tuple[str, str]


class AllowlistContract(Contract):
    """Options: `modules` (expressions), `may_import` (names, patterns, or `stdlib`)."""

    type_name = "allowlist"

    modules = fields.ListField(subfield=fields.StringField())
    may_import = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        # import-linter puts the parsed options where the fields were declared
        modules, may_import = cast("list[str]", self.modules), cast("list[str]", self.may_import)
        refused = sorted(_refused(graph, modules, may_import))
        return ContractCheck(kept=not refused, metadata={"refused": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["refused"]:
            output.print_error(f"{importer} may not import {imported}")


def _refused(graph: ImportGraph, modules: list[str], may_import: list[str]) -> Iterator[Import]:
    for importer in graph.modules:
        home = _owner(importer, modules)
        if home is None:
            continue
        for imported in graph.find_modules_directly_imported_by(importer):
            if not _covered(imported, [home, *may_import]):
                yield importer, imported


def _owner(module: str, patterns: Iterable[str]) -> str | None:
    """The part of a module's name that one of the patterns stands for."""
    for pattern in patterns:
        head = ".".join(module.split(".")[: pattern.count(".") + 1])
        if _matches(head, pattern):
            return head
    return None


def _covered(module: str, allowed: Iterable[str]) -> bool:
    if "stdlib" in allowed and module.split(".", 1)[0] in sys.stdlib_module_names:
        return True
    return _owner(module, allowed) is not None


def _matches(name: str, pattern: str) -> bool:
    parts, wanted = name.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
