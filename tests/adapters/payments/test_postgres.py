"""What only PostgreSQL can get wrong: plans, constraints, the moment of the commit."""

import re
from typing import Any

import asyncpg
import pytest

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.payments.adapters.postgres import payments, queries, refunds
from feira.services.payments.adapters.postgres.payments import PostgresPaymentRows
from feira.services.payments.domain.payment import State
from tests.unit.payments.test_order_payments import payment_in
from tests.unit.payments.world import START, World, cancel, captured, request

MANY = 5_000
FILL = """
INSERT INTO payment SELECT n, 1, n, 1000, 'card', NULL, $1, 'captured', 'ch_' || n, NULL, 1000, 0, 0
FROM generate_series(1, $2::bigint) AS n
"""
FILL_REFUNDS = """
INSERT INTO refund SELECT n, n, n, 1, 'feira-refund-' || n, 'ch', 100, '', $1, 'succeeded', 0
FROM generate_series(1, $2::bigint) AS n
"""


@pytest.fixture
async def full(connection: Connection) -> Connection:
    """A database in which a plan without an index would be seen."""
    await connection.execute(FILL, START, MANY)
    await connection.execute(FILL_REFUNDS, START, MANY)
    await connection.execute("ANALYZE")
    return connection


PLANS: list[tuple[str, tuple[Any, ...], str]] = [
    (payments.LOCK, ([1, 2, 3],), "payment_pkey"),
    (payments.ORDER_IDS, ([1, 2, 3],), "payment_id"),
    (payments.STANDINGS, ([1, 2, 3], [1, 1, 1]), "payment_pkey"),
    (payments.DUE, (START, 500), "payment_unresolved"),
    (payments.CANCELED, ([1, 2, 3],), "canceled_order"),
    (queries.OF_ORDER, (1,), "payment_pkey"),
    (queries.UNRESOLVED_PAYMENTS, (START, 100), "payment_unresolved"),
    (queries.UNSETTLED_REFUNDS, (START, 100), "refund_unsettled"),
    (refunds.LOCK, (["feira-refund-1", "feira-refund-2"],), "refund_key_key"),
    (refunds.LOCK_DUE, (START, 500), "refund_unsettled"),
    (
        payments.UPDATE,
        ([1, 2], *([value] * 2 for value in ("captured", "ch", None, 1, 0, 0, None))),
        "payment_id",
    ),
    (
        refunds.UPDATE,
        ([1, 2], ["succeeded"] * 2, [0, 0], [None] * 2, [None] * 2),
        "refund_pkey",
    ),
]


async def test_every_hot_statement_reads_by_its_index(full: Connection) -> None:
    for statement, arguments, index in PLANS:
        rows = await full.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", *arguments)
        plan = "\n".join(row[0] for row in rows)
        assert index in plan, plan
        assert "Seq Scan on payment" not in plan, plan
        assert "Seq Scan on refund" not in plan, plan
        read = [float(count) for count in re.findall(r"actual rows=([\d.]+)", plan)]
        assert max(read) <= 3, plan


async def test_the_same_attempt_begun_twice_is_contention(connection: Connection) -> None:
    rows = PostgresPaymentRows(connection)
    await rows.insert([payment_in(State.REQUESTED)])
    with pytest.raises(Contention):
        await rows.insert([payment_in(State.REQUESTED, id=8)])


async def test_an_id_that_another_process_has_made_is_contention(connection: Connection) -> None:
    """After a clock that jumped; the batch is decided again, with another id."""
    rows = PostgresPaymentRows(connection)
    await rows.insert([payment_in(State.REQUESTED)])
    with pytest.raises(Contention):
        await rows.insert([payment_in(State.REQUESTED, attempt=2)])


async def test_no_money_is_booked_twice(postgres_world: World, connection: Connection) -> None:
    await postgres_world.do(request(1))
    await postgres_world.do(captured(1))
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO ledger_entry SELECT * FROM ledger_entry")


async def test_a_token_is_forgotten_once_it_is_of_no_use(
    postgres_world: World, connection: Connection
) -> None:
    await postgres_world.do(request(1), request(2))
    await postgres_world.do(captured(1), cancel(2))
    tokens = await connection.fetch("SELECT token FROM payment ORDER BY order_id")
    assert [row[0] for row in tokens] == [None, "tok_visa"]


# --- after the commit ----------------------------------------------------------------------------


async def test_calls_are_handed_over_only_when_they_are_durable(postgres_world: World) -> None:
    with pytest.raises(KeyError):
        await postgres_world.do(request(1), _Bug())
    assert not postgres_world.calls
    await postgres_world.do(request(1))
    assert [payment.order_id for payment in postgres_world.calls.charges] == [1]


class _Bug:
    """A command that nobody knows how to do."""
