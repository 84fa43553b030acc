"""Every world that can be reached, breadth first: the first fault has the shortest story."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from time import process_time
from typing import Final, NamedTuple

from feira.model.promises import PROMISES, stock_fault
from feira.model.protocol import THE_GREAT_LOSS, Broken, Label, Protocol
from feira.model.scope import Scope

WORLDS_MAX: Final = 3_000_000


class World(NamedTuple):
    """Numbers of the protocol's. `lost`: the great loss has been, and from now on all is calm."""

    lost: bool
    inventory: int
    courses: tuple[int, ...]


Path = tuple[tuple[Label | None, World | None], ...]
"""What happened, each with the world after it (None where a use case broke)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and a shortest way there."""

    what: str
    path: Path


@dataclass(slots=True)
class Exploration:
    """What was found. `fault` None: all promises hold, and rest can be reached from everywhere."""

    scope: Scope
    protocol: Protocol
    worlds: int = 0
    transitions: int = 0
    depth: int = 0
    at_rest: int = 0
    cpu_seconds: float = 0.0
    fault: Fault | None = None


class TooLarge(Exception):
    """More worlds than `WORLDS_MAX`: nothing is proven."""


def explore(scope: Scope, worlds_max: int = WORLDS_MAX) -> Exploration:
    """Explore a scope wholly, or up to its first fault. Raises `TooLarge`."""
    started = process_time()
    protocol = Protocol(scope)
    found = Exploration(scope, protocol)
    search = _Search(protocol, worlds_max)
    found.fault = search.run()
    found.worlds, found.transitions = len(search.worlds), search.transitions
    found.depth, found.at_rest = search.depth, sum(search.rests)
    found.cpu_seconds = process_time() - started
    return found


class _Search:
    def __init__(self, protocol: Protocol, worlds_max: int) -> None:
        self.protocol = protocol
        self.worlds: list[World] = []
        self.transitions = self.depth = 0
        self.rests = bytearray()
        self._worlds_max = worlds_max
        self._numbers: dict[World, int] = {}
        self._parents, self._depths = array("q"), array("H")
        self._calm_from, self._calm_to = array("I"), array("I")
        self._judged: dict[tuple[int, int], tuple[str | None, bool]] = {}
        self._stock_judged: dict[int, str | None] = {}

    def run(self) -> Fault | None:
        inventory, *courses = self.protocol.start()
        self._meet(World(False, inventory, tuple(courses)), -1)
        at = 0
        while at < len(self.worlds):
            what = self._fault_of(self.worlds[at])
            if what:
                return Fault(what, self._path(at))
            try:
                self._expand(at)
            except Broken as broken:
                return Fault(broken.what, (*self._path(at), (broken.label, None)))
            at += 1
        return self._never_at_rest()

    def _expand(self, at: int) -> None:
        for label, after in successors(self.protocol, self.worlds[at]):
            self.transitions += 1
            number = self._meet(after, at)
            if label.calm:
                self._calm_from.append(at)
                self._calm_to.append(number)

    def _meet(self, world: World, parent: int) -> int:
        number = self._numbers.setdefault(world, len(self.worlds))
        if number == len(self.worlds):
            if number >= self._worlds_max:
                raise TooLarge(f"more than {self._worlds_max} worlds")
            self.worlds.append(world)
            self._parents.append(parent)
            self._depths.append(self._depths[parent] + 1 if parent >= 0 else 0)
            self.depth = self._depths[-1]
            self.rests.append(all(self._judge(world.inventory, c)[1] for c in world.courses))
        return number

    def _fault_of(self, world: World) -> str | None:
        faults = (self._judge(world.inventory, course)[0] for course in world.courses)
        return self._stock_fault(world.inventory) or next(filter(None, faults), None)

    def _judge(self, inventory: int, course: int) -> tuple[str | None, bool]:
        """What is wrong with a purchase, and whether it is at rest."""
        key = (inventory, course)
        if key not in self._judged:
            standing = self.protocol.standing(inventory, course)
            faults = (promise(standing) for promise in PROMISES)
            fault = next(filter(None, faults), None)
            self._judged[key] = (fault, standing.at_rest)
        return self._judged[key]

    def _stock_fault(self, inventory: int) -> str | None:
        if inventory not in self._stock_judged:
            fault = stock_fault(self.protocol.stock(inventory), self.protocol.scope.units)
            self._stock_judged[inventory] = fault
        return self._stock_judged[inventory]

    def _never_at_rest(self) -> Fault | None:
        """A world from which no calm run leads to rest."""
        hopeful = self.rests[:]
        edges = range(len(self._calm_from) - 1, -1, -1)
        changed = True
        while changed:
            changed = False
            for edge in edges:
                at = self._calm_from[edge]
                if not hopeful[at] and hopeful[self._calm_to[edge]]:
                    hopeful[at] = changed = True
        at = hopeful.find(0)
        return (
            Fault("from here nothing leads to rest any more", self._path(at)) if at >= 0 else None
        )

    def _path(self, at: int) -> Path:
        numbers = [at]
        while self._parents[numbers[-1]] >= 0:
            numbers.append(self._parents[numbers[-1]])
        worlds = [self.worlds[number] for number in reversed(numbers)]
        labels = (label_between(self.protocol, *pair) for pair in pairwise(worlds))
        return ((None, worlds[0]), *zip(labels, worlds[1:], strict=True))


def successors(protocol: Protocol, world: World) -> Iterator[tuple[Label, World]]:
    for place, course in enumerate(world.courses):
        for move in protocol.moves(world.inventory, course):
            if world.lost and not move.label.calm:
                continue
            courses = (*world.courses[:place], move.course, *world.courses[place + 1 :])
            yield move.label, World(world.lost, move.inventory, courses)
    if protocol.scope.losses and not world.lost:
        emptied = tuple(map(protocol.with_nothing_under_way, world.courses))
        yield THE_GREAT_LOSS, World(True, world.inventory, emptied)


def label_between(protocol: Protocol, before: World, after: World) -> Label:
    return next(label for label, world in successors(protocol, before) if world == after)
