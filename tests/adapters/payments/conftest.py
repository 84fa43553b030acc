"""Payments on each of its databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.reading import Reader
from feira.kernel.ids import Ids
from feira.services.payments.adapters.memory import MemoryPayments
from feira.services.payments.adapters.postgres.queries import PostgresPaymentQueries
from feira.services.payments.adapters.postgres.rows import (
    PAYMENT_COLUMNS,
    REFUND_COLUMNS,
    payment_from,
    refund_from,
)
from feira.services.payments.adapters.postgres.unit_of_work import handing_over_to
from feira.services.payments.adapters.unit_of_work import HandOver, RowsUnitOfWork
from feira.services.payments.domain.ledger import Account, Kind, LedgerEntry
from tests.postgres import PostgresServer
from tests.unit.payments.world import World, in_memory


@pytest.fixture
async def dsn(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh_database("payments")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, "test")
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_world(dsn: str, connection: Connection) -> AsyncIterator[World]:
    @asynccontextmanager
    async def begin(
        outbox: Outbox, ids: Ids, now: datetime, hand_over: HandOver
    ) -> AsyncIterator[RowsUnitOfWork]:
        async with connection.transaction():
            yield handing_over_to(hand_over)(connection, outbox, ids, now)

    reader = Reader(dsn, "test")
    yield World(begin, lambda: books_of(connection), PostgresPaymentQueries(reader))
    await reader.close()


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return in_memory()
    found: World = request.getfixturevalue("postgres_world")
    return found


async def books_of(connection: Connection) -> MemoryPayments:
    """Everything that is in the database."""
    payments = map(payment_from, await connection.fetch(f"SELECT {PAYMENT_COLUMNS} FROM payment"))
    canceled = await connection.fetch("SELECT order_id, canceled_at FROM canceled_order")
    refunds = map(refund_from, await connection.fetch(f"SELECT {REFUND_COLUMNS} FROM refund"))
    entries = await connection.fetch(
        "SELECT payment_id, refund_id, kind, debit_account, credit_account, amount_cents"
        " FROM ledger_entry"
    )
    return MemoryPayments(
        {(payment.order_id, payment.attempt): payment for payment in payments},
        dict(map(tuple, canceled)),
        {refund.id: refund for refund in refunds},
        {
            (row[0], row[1]): LedgerEntry(
                row[0], row[1], Kind(row[2]), Account(row[3]), Account(row[4]), row[5]
            )
            for row in entries
        },
    )
