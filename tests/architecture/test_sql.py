"""SQL is made of constants: nothing that comes in at run time becomes part of a statement (E8)."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import PACKAGE, assert_nowhere, modules_under

STATEMENT = re.compile(
    r"\b(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s)", re.IGNORECASE
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def sql_made_at_run_time(tree: ast.Module) -> Iterator[ast.expr]:
    """Statements put together within a function: f-strings, `+`, `%`, `.format()` and `.join()`."""
    functions = (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))
    for node in (inner for function in functions for inner in ast.walk(function)):
        match node:
            case ast.JoinedStr() | ast.BinOp(op=ast.Add() | ast.Mod()):
                made: list[ast.expr] = [node]
            case ast.Call(func=ast.Attribute(value=text, attr="format" | "join"), args=pieces):
                made = [text, *pieces]
            case _:
                continue
        if any(STATEMENT.search(text) for text in map(literal_text, made)):
            yield node


def literal_text(node: ast.expr) -> str:
    texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return "".join(text for text in texts if isinstance(text, str))


def test_no_statement_is_made_at_run_time() -> None:
    made = [
        module.at(node.lineno)
        for module in modules_under(PACKAGE)
        for node in sql_made_at_run_time(module.tree)
    ]
    assert_nowhere(made)


@pytest.mark.parametrize(
    "made",
    [
        "f'SELECT * FROM orders WHERE id = {order_id}'",
        "'DELETE FROM orders WHERE id = ' + order_id",
        "'UPDATE orders SET status = %s' % status",
        "'insert into {} values (1)'.format(table)",
        "' '.join(['SELECT 1', where])",
    ],
)
def test_a_statement_made_at_run_time_is_seen(made: str) -> None:
    assert list(sql_made_at_run_time(ast.parse(f"def find(): return {made}")))


@pytest.mark.parametrize(
    "code",
    [
        "FIND = f'SELECT {COLUMNS} FROM orders WHERE id = ANY($1)'",
        "def find(ids): return fetch('SELECT id FROM orders WHERE id = ANY($1)', ids)",
    ],
)
def test_constants_and_parameters_are_let_be(code: str) -> None:
    assert list(sql_made_at_run_time(ast.parse(code))) == []
