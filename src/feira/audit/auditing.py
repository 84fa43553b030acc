"""The audit: every rule is asked, and what it finds is explained."""

from collections.abc import Sequence
from typing import Final

from feira.audit import answers, drops, effects, messages, money, orders, sagas, stock
from feira.audit.case import Case
from feira.audit.evidence import Evidence
from feira.audit.finding import Finding, Moment, Rule, Violation
from feira.audit.story import story_of

RULES: Final[tuple[Rule, ...]] = (
    *stock.RULES,
    *money.RULES,
    *orders.RULES,
    *sagas.RULES,
    *answers.RULES,
    *effects.RULES,
    *messages.RULES,
    *drops.RULES,
)
STORIES_TOLD_MAX: Final = 20


def audit(evidence: Evidence, moment: Moment) -> list[Violation]:
    """Everything that does not agree; nothing when all is well at such a moment."""
    case = Case(evidence)
    violations: list[Violation] = []
    for rule in RULES:
        if moment not in rule.moments:
            continue
        for finding in rule.check(case):
            tell = len(violations) < STORIES_TOLD_MAX
            violations.append(_violation(rule, finding, case, tell=tell))
    return violations


def _violation(rule: Rule, finding: Finding, case: Case, *, tell: bool) -> Violation:
    is_of_order = tell and finding.order_id is not None
    return Violation(
        rule=rule.name,
        about=finding.about,
        expected=finding.expected,
        seen=finding.seen,
        records=finding.records,
        story=story_of(case, finding.order_id or 0) if is_of_order else (),
    )


def rules_at(moment: Moment) -> Sequence[Rule]:
    """What is asked of evidence of such a moment."""
    return [rule for rule in RULES if moment in rule.moments]
