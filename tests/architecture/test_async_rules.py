"""Where a coroutine may give way to another one, and where it would lose an update by it."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source_tree import (
    PACKAGE,
    Module,
    assert_nowhere,
    layers_named,
    modules_under,
)

Check = Callable[[ast.Module], Iterator[ast.AST]]
ASYNC_NODES = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)


def async_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, ASYNC_NODES))


def lost_updates(tree: ast.Module) -> Iterator[ast.AST]:
    """`n += await f()`, and `n = n + await f()`: n is read before the wait, written after it."""
    for node in ast.walk(tree):
        match node:
            case ast.AugAssign(value=value) if awaits(value):
                yield node
            case ast.Assign(targets=[target], value=value) if reads_before_await(value, target):
                yield node


def reads_before_await(value: ast.expr, target: ast.expr) -> bool:
    name = ast.unparse(target)
    read = any(isinstance(n, ast.expr) and ast.unparse(n) == name for n in own_nodes(value))
    return isinstance(value, ast.BinOp) and read and awaits(value)


def awaits(value: ast.AST) -> bool:
    return any(isinstance(node, ast.Await) for node in own_nodes(value))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and those below it, without the bodies of functions: they run at another time."""
    yield node
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from own_nodes(child)


def test_no_update_is_lost_around_an_await() -> None:
    assert_nowhere(found(lost_updates, modules_under(PACKAGE)))


def test_a_domain_never_waits() -> None:
    assert_nowhere(found(async_nodes, modules_under(*layers_named("domain"))))


@pytest.mark.parametrize(
    "statement",
    [
        "n += await f()",
        "self.total -= 1 + await f()",
        "totals['a'] += g(await f())",
        "n = n + await f()",
        "self.n = await f() + self.n",
    ],
)
def test_a_lost_update_is_seen(statement: str) -> None:
    assert list(lost_updates(in_coroutine(statement)))


@pytest.mark.parametrize(
    "statement", ["n = await f()", "n += 1", "got = await f(); n += got", "n = await f(n)"]
)
def test_what_keeps_every_update_is_let_be(statement: str) -> None:
    assert list(lost_updates(in_coroutine(statement))) == []


@pytest.mark.parametrize(
    "code",
    ["async def f(): ...", "async def f():\n await g()", "async def f():\n async with g(): ..."],
)
def test_waiting_is_seen(code: str) -> None:
    assert list(async_nodes(ast.parse(code)))


def found(check: Check, modules: list[Module]) -> list[str]:
    return [
        module.at(getattr(node, "lineno", 1)) for module in modules for node in check(module.tree)
    ]


def in_coroutine(statement: str) -> ast.Module:
    return ast.parse(f"async def coroutine():\n    {statement}")
