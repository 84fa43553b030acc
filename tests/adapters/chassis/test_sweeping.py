"""Old claims and answers are dropped; what may still be repeated is kept."""

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.sweeping import sweep_inbox
from feira.kernel.ids import uuid7
from tests.eventually import eventually
from tests.postgres import PostgresServer
from tests.unit.chassis.jars import running


async def test_what_is_older_than_a_week_is_forgotten(postgres_server: PostgresServer) -> None:
    dsn = await postgres_server.fresh_database("orders")
    connection = await connect(dsn, "test")
    for days in (0, 6, 8, 100):
        await connection.execute(
            "INSERT INTO inbox VALUES ($1, now() - make_interval(days => $2))", uuid7(), days
        )
        await connection.execute(
            "INSERT INTO idempotency VALUES"
            " ('ana', $1, '', 200, '', '', now() - make_interval(days => $2))",
            f"key-{days}",
            days,
        )

    async def swept() -> bool:
        kept = await connection.fetchval("SELECT count(*) FROM idempotency")
        return bool(kept == 2)

    async with running(sweep_inbox(PostgresDatabase(dsn).sweep, "orders", every_seconds=0.01)):
        await eventually(swept)
    assert await connection.fetchval("SELECT count(*) FROM inbox") == 2
    keys = await connection.fetch("SELECT key FROM idempotency ORDER BY key")
    assert [row[0] for row in keys] == ["key-0", "key-6"]
    await connection.close()
