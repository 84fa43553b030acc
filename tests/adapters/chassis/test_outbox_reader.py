"""The outbox where PostgreSQL differs from memory: late rows, and a leader that is cut off."""

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.kernel.ids import uuid7
from tests.eventually import eventually
from tests.postgres import PostgresServer

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
