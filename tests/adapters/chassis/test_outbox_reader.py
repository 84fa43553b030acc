"""The outbox where PostgreSQL differs from memory: late rows, and a leader that is cut off."""

from typing import Any

import pytest

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.postgres.fresh_envelopes import FreshEnvelopes
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.transports.port import Envelope
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids, uuid7
from tests.adapters.chassis.stores import BareUnitOfWork
from tests.eventually import eventually
from tests.postgres import PostgresServer
from tests.unit.chassis.jars import JarFilled

WRITE = """
INSERT INTO outbox (envelope_id, topic, partition, body, events) VALUES ($1, $2, 0, '', 1)
"""


async def test_an_envelope_that_becomes_visible_late_is_not_passed_over(
    postgres_server: PostgresServer,
) -> None:
    """Its id was drawn before that of one which has been published already."""
    dsn = await postgres_server.fresh_database("orders")
    slow, quick = await connect(dsn, "slow"), await connect(dsn, "quick")
    reader = PostgresOutboxReader(dsn, "orders")
    late = slow.transaction()
    await late.start()
    await slow.execute(WRITE, uuid7(), "late")
    await quick.execute(WRITE, uuid7(), "early")

    row_ids, envelopes, _ = await reader.unpublished(10)
    assert [envelope.topic for envelope in envelopes] == ["early"]
    await reader.delete(row_ids)
    await late.commit()
    late_ids, envelopes, _ = await reader.unpublished(10)
    assert [envelope.topic for envelope in envelopes] == ["late"]
    assert late_ids < row_ids

    await reader.close()
    await slow.close()
    await quick.close()


async def test_what_this_process_has_written_is_not_read_back_and_keeps_its_place(
    postgres_server: PostgresServer,
) -> None:
    """The contents told apart: what is in the table was changed after it was written."""
    dsn = await postgres_server.fresh_database("orders")
    database, other = PostgresDatabase(dsn), await connect(dsn, "other")
    options: Any = {"ids": Ids(), "clock": SystemClock(), "partitions": 1}
    store = database.store("orders", BareUnitOfWork, **options)
    await other.execute(WRITE, uuid7(), "before")
    await say(store, 1)
    with pytest.raises(KeyError):
        await say(store, 2, KeyError("it is rolled back"))
    await other.execute(WRITE, uuid7(), "after")
    await other.execute("UPDATE outbox SET topic = 'from the table'")

    reader = database.outbox_reader("orders")
    for topic in (JarFilled.TOPIC, "from the table"):  # what could not be published is read anew
        row_ids, envelopes, _ = await reader.unpublished(10)
        assert [e.topic for e in envelopes] == ["from the table", topic, "from the table"]
        assert row_ids == sorted(row_ids)
        assert len(row_ids) == 3

    for opened in (store, reader, other):
        await opened.close()


async def say(store: Any, sweets: int, error: Exception | None = None) -> None:
    async with store.begin() as transaction:
        transaction.uow.say(sweets)
        await transaction.save()
        if error is not None:
            raise error


def test_what_nobody_takes_makes_room() -> None:
    fresh = FreshEnvelopes(bytes_max=100)
    envelopes = [Envelope(uuid7(), "jars.events", 0, b"x" * 40) for _ in range(4)]
    fresh.keep(envelopes)
    assert [fresh.take(envelope.id) is None for envelope in envelopes] == [True, True, False, False]
    assert fresh.take(envelopes[3].id) is None


async def test_a_leader_that_is_cut_off_has_to_win_again(postgres_server: PostgresServer) -> None:
    dsn = await postgres_server.fresh_database("orders")
    cut_off, other = PostgresOutboxReader(dsn, "orders"), PostgresOutboxReader(dsn, "orders")
    assert await cut_off.lead()
    surgeon = await connect(dsn, "surgeon")
    await surgeon.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'feira-orders-relay' AND datname = current_database()"
    )

    async def takes_over() -> bool:
        return await other.lead()

    await eventually(takes_over)
    assert cut_off._connection is not None

    async def knows() -> bool:
        return cut_off._connection is not None and cut_off._connection.is_closed()

    await eventually(knows)
    assert not await cut_off.lead()
    for opened in (cut_off, other, surgeon):
        await opened.close()
