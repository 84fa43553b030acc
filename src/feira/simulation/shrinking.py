"""The smallest plan that still fails the same way, within a limit of time.

Halves of what is planned are left out, then quarters, and so on (delta debugging), as long as the
run still breaks the same rule: first whole groups of faults, then customers, errands and mishaps.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from feira.simulation.faults import GROUPS
from feira.simulation.plan import Plan
from feira.simulation.run import Outcome, run

T = TypeVar("T")

SHRINK_SECONDS_MAX: Final = 90.0


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
        for kinds in GROUPS.values():
            left = self._best.plan.kinds.difference(kinds)
            mishaps = tuple(m for m in self._best.plan.mishaps if m.kind in left)
            if left != self._best.plan.kinds:
                self._try(replace(self._best.plan, kinds=left, mishaps=mishaps))
        for part in ("customers", "errands", "crowd", "drops", "mishaps"):
            self._leave_out(part)
        return self._best

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
