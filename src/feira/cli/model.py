"""`feira model`: the purchase protocol, explored exhaustively in small scopes."""

from typing import Final

from rich.console import Console
from rich.table import Table

from feira.model.scope import QUICK, THOROUGH
from feira.model.search import Exploration, explore
from feira.model.story import story

COLUMNS: Final = ("scope", "worlds", "transitions", "at rest", "depth", "CPU seconds")


def explore_scopes(*, thorough: bool) -> int:
    """Print what was explored, and the shortest story of a fault; returns the exit code."""
    found = [explore(scope) for scope in (*QUICK, *(THOROUGH if thorough else ()))]
    print_table(found, Console())
    faulty = [one for one in found if one.fault]
    for one in faulty:
        print(f"\n{story(one)}")
    return 1 if faulty else 0


def print_table(explorations: list[Exploration], console: Console) -> None:
    table = Table(*COLUMNS)
    for found in explorations:
        counts = (found.worlds, found.transitions, found.at_rest, found.depth)
        mark = "FAULT: " if found.fault else ""
        cells = [f"{count:,}" for count in counts]
        table.add_row(f"{mark}{found.scope.name}", *cells, f"{found.cpu_seconds:.1f}")
    console.print(table)
