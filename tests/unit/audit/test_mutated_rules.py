"""No rule can be weakened unseen: each is mutated, and a bent or a straight story tells.

A mutant leaves out a finding or a step, turns a condition round, or moves a comparison. It is
caught where the mutated rule finds nothing in a story bent for it, finds something in one that is
in order, or breaks.
"""

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest

from feira.audit import answers, drops, effects, messages, money, orders, sagas, stock
from feira.audit.auditing import audit
from feira.audit.case import Case
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment, Rule
from tests.unit.audit import bends, bends_of_answers
from tests.unit.audit.straight import VARIANTS, ended
from tests.unit.audit.world import in_order

BENDS = [*bends.BENDS, *bends_of_answers.BENDS]
MODULES = [stock, money, orders, sagas, answers, effects, messages, drops]
SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
Straight = list[tuple[Moment, Evidence]]
"""Stories in order, and when each was gathered."""


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_mutant_survives(module: ModuleType) -> None:
    straight = straight_stories()
    survivors = [
        what
        for what, tree in mutants_of(ast.parse(inspect.getsource(module)))
        if is_unseen(module, tree, straight)
    ]
    assert survivors == []


def straight_stories() -> Straight:
    stories: Straight = [(moment, in_order()) for moment in Moment if moment is not Moment.FINAL]
    for variant in VARIANTS:
        evidence = in_order()
        variant(evidence)
        stories.append((Moment.AT_REST, evidence))
    final = in_order()
    ended(final)
    stories.append((Moment.FINAL, final))
    assert all(audit(evidence, moment) == [] for moment, evidence in stories)
    return stories


def mutants_of(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """The module with one change each; the list of its rules stays as it is."""
    code = ast.unparse(tree)
    for number, node in enumerate(ast.walk(tree)):
        for kind in ways_to_mutate(node):
            mutant = ast.parse(code)
            target = list(ast.walk(mutant))[number]
            line = ast.unparse(target)[:100]
            mutate(mutant, target, kind)
            yield f"{kind}: {line}", ast.fix_missing_locations(mutant)


def ways_to_mutate(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()) | ast.Continue() | ast.AugAssign():
            yield "left out"
        case ast.If():
            yield "turned round"
        case ast.Compare():
            yield "moved"
        case ast.BoolOp():
            yield "and for or"
        case _:
            pass


def mutate(tree: ast.Module, target: ast.AST, kind: str) -> None:
    match target:
        case ast.If():
            target.test = ast.UnaryOp(op=ast.Not(), operand=target.test)
        case ast.Compare():
            target.ops[0] = SWAPS[type(target.ops[0])]()
        case ast.BoolOp():
            target.op = ast.Or() if isinstance(target.op, ast.And) else ast.And()
        case _:
            Without(target).visit(tree)


class Without(ast.NodeTransformer):
    def __init__(self, target: ast.AST) -> None:
        self._target = target

    def visit(self, node: ast.AST) -> ast.AST:
        # a generator without its only `yield` would be no generator: so an empty one stands there
        return empty() if node is self._target else self.generic_visit(node)


def empty() -> ast.AST:
    return ast.parse("yield from ()").body[0]


def is_unseen(module: ModuleType, tree: ast.Module, straight: Straight) -> bool:
    try:
        rules: tuple[Rule, ...] = run(module, tree)["RULES"]
        return not any(is_wrong(rule, straight) for rule in rules)
    except Exception:  # noqa: BLE001 - it breaks: so it is seen
        return False


def run(module: ModuleType, tree: ast.Module) -> dict[str, tuple[Rule, ...]]:
    names = {"__name__": module.__name__}
    exec(compile(tree, module.__name__, "exec"), names)
    return names  # type: ignore[return-value]


def is_wrong(rule: Rule, straight: Straight) -> bool:
    if any(
        list(rule.check(Case(evidence))) for moment, evidence in straight if moment in rule.moments
    ):
        return True
    return not all(finds(rule, bend.change) for bend in BENDS if bend.rule == rule.name)


def finds(rule: Rule, change: object) -> bool:
    evidence = in_order()
    change(evidence)  # type: ignore[operator]
    return bool(list(rule.check(Case(evidence))))
