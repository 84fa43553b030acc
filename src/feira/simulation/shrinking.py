"""The smallest plan that still fails the same way, within a limit of time.

What comes after the broken rule was noticed cannot have led to it: that is left out first, at once,
and the run is the same until then. After that halves of what is planned are left out, then
quarters, and so on (delta debugging), as long as the run still breaks the same rule: first
customers, since fewer of them make each further run shorter, then whole groups of faults, then
errands, crowds and mishaps.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from feira.simulation.faults import GROUPS
from feira.simulation.plan import Plan
from feira.simulation.run import Outcome, run

T = TypeVar("T")

SHRINK_SECONDS_MAX: Final = 90.0
NOTICED: Final = re.compile(r"at (\d+\.\d+) s: ")
PARTS: Final = ("customers", "errands", "crowd", "drops", "mishaps")


@dataclass(slots=True)
class Shrunk:
    plan: Plan
    outcome: Outcome
    runs: int


class Shrinker:
    def __init__(
        self,
        plan: Plan,
        outcome: Outcome,
        *,
        seconds_max: float = SHRINK_SECONDS_MAX,
        runner: Callable[[Plan], Outcome] = run,
    ) -> None:
        self._until = time.monotonic() + seconds_max
        self._run = runner
        self._rule = rule_of(outcome)
        self._best = Shrunk(plan, outcome, 0)

    def shrink(self) -> Shrunk:
        self._leave_out_what_came_later()
        self._leave_out("customers")
        self._leave_out_kinds()
        for part in PARTS[1:]:
            self._leave_out(part)
        return self._best

    def _leave_out_what_came_later(self) -> None:
        """The plan keeps its length, by which it is decided when the auditor looks."""
        noticed = NOTICED.match(self._best.outcome.violations[0])
        if noticed is None:
            return
        plan, until = self._best.plan, float(noticed[1])
        changes: dict[str, Any] = {
            part: tuple(one for one in getattr(plan, part) if one.at_seconds <= until)
            for part in PARTS
        }
        earlier = replace(plan, **changes)
        if earlier != plan:
            self._try(earlier)

    def _leave_out_kinds(self) -> None:
        for kinds in GROUPS.values():
            left = self._best.plan.kinds.difference(kinds)
            mishaps = tuple(m for m in self._best.plan.mishaps if m.kind in left)
            if left != self._best.plan.kinds:
                self._try(replace(self._best.plan, kinds=left, mishaps=mishaps))

    def _leave_out(self, part: str) -> None:
        """Try without each of 1, then 2, 4, … equal pieces."""
        pieces = 1
        while self._has_time():
            items: Sequence[Any] = getattr(self._best.plan, part)
            size = max(1, len(items) // pieces)
            if not self._leave_out_pieces(part, size) and size == 1:
                return
            pieces *= 2

    def _leave_out_pieces(self, part: str, size: int) -> bool:
        is_smaller, start = False, 0
        while self._has_time():
            items: Sequence[Any] = getattr(self._best.plan, part)
            if start >= len(items):
                break
            left = (*items[:start], *items[start + size :])
            changes: dict[str, Any] = {part: left}
            if self._try(replace(self._best.plan, **changes)):
                is_smaller = True
            else:
                start += size
        return is_smaller

    def _try(self, plan: Plan) -> bool:
        if not self._has_time():
            return False
        outcome = self._run(plan)
        self._best.runs += 1
        if rule_of(outcome) != self._rule:
            return False
        self._best.plan, self._best.outcome = plan, outcome
        return True

    def _has_time(self) -> bool:
        return time.monotonic() < self._until


def rule_of(outcome: Outcome) -> str | None:
    """What the first violation broke, without whom or when; None when all is well."""
    if not outcome.violations:
        return None
    first = outcome.violations[0].splitlines()[0]
    return first.rpartition(": ")[2] if first.startswith("at ") else first.partition(" ")[0]
