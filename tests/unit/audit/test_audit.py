"""The auditor sees what it is there to see: every way in which a story in order can be bent."""

from collections.abc import Callable

import pytest

from feira.audit.auditing import RULES, audit
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment
from tests.unit.audit import bends, bends_of_answers
from tests.unit.audit.bending import Bend
from tests.unit.audit.straight import VARIANTS
from tests.unit.audit.world import PAID, in_order

BENDS = [*bends.BENDS, *bends_of_answers.BENDS]
MOMENTS = [Moment.AT_REST, Moment.AT_ONCE, Moment.APART]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_story_in_order_passes(moment: Moment) -> None:
    assert audit(in_order(), moment) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_other_stories_in_order_pass(variant: Callable[[Evidence], object]) -> None:
    evidence = in_order()
    variant(evidence)
    assert [str(found) for found in audit(evidence, Moment.AT_REST)] == []


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: f"{bend.rule}: {bend.what}")
def test_what_is_bent_is_found_by_its_rule(bend: Bend) -> None:
    evidence = in_order()
    bend.change(evidence)
    assert bend.rule in {found.rule for found in audit(evidence, bend.moment)}


def test_every_rule_is_bent() -> None:
    assert {bend.rule for bend in BENDS} == {rule.name for rule in RULES}


def test_a_violation_explains_itself() -> None:
    """Who says what of which order, what was expected, and the order's whole story."""
    evidence = in_order()
    evidence.books.pop(PAID)
    told = "\n".join(map(str, audit(evidence, Moment.AT_REST)))
    assert "order 1: paid only with money taken and stock sold" in told
    assert "expected: paid: stock confirmed, 300 taken" in told
    assert "seen:     stock confirmed, 0 taken (orders, inventory, the saga" in told
    assert "customer 71 key key-1: POST /orders: 201 {'id': 1, 'status': 'pending'}" in told
    assert "saga at 40 ms: Heard4, completed" in told
    assert "the provider's books: 0 taken and 0 given back" in told


def test_work_under_way_is_no_violation() -> None:
    """Money taken and not yet heard of, an order not yet told: none of it is wrong in itself."""
    evidence = in_order()
    evidence.unpublished["orders"] = 3
    evidence.payments.pop(1)
    evidence.ledger.pop(1)
    assert audit(evidence, Moment.AT_ONCE) == []
    assert audit(evidence, Moment.AT_REST) != []
