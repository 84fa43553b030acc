"""The floor: the least durable, set-based work of a purchase over five databases.

What remains of a purchase when all that makes it a shop is taken away: no HTTP, no broker, no
objects; ten stages in batches of 500, each its own connection, pipelined so that PostgreSQL and the
client overlap. Purchases a second here are the denominator of Feira's own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from feira.kernel.ids import Ids

BATCH_ORDERS: Final = 500
QUEUED_BATCHES_MAX: Final = 4
BODY: Final = b'{"items":[{"product_id":7,"quantity":1,"price_cents":100}],"address":"Rua Exemplo"}'
EVENT: Final = (
    b'{"type":"StockReserved","order_id":"0198f0aa-1111-7222-8333-444455556666",'
    b'"customer_id":42,"total_cents":100,"items":[[7,1]]}'
)
DATABASES: Final = (
    "floor_orders",
    "floor_inventory",
    "floor_payments",
    "floor_saga",
    "floor_history",
)
OFFSETS: Final = """
CREATE TABLE offs (topic text PRIMARY KEY, pos bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO offs SELECT 't' || g, 0 FROM generate_series(1, 4) AS g;
"""
TABLES: Final = {
    "floor_orders": """
        CREATE TABLE o (
            id uuid PRIMARY KEY, customer bigint NOT NULL, total bigint NOT NULL,
            state smallint NOT NULL, idem uuid NOT NULL, body bytea NOT NULL,
            created timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 80);
        CREATE UNIQUE INDEX ON o (customer, idem);
    """,
    "floor_inventory": """
        CREATE TABLE stock (sku int PRIMARY KEY, qty bigint NOT NULL CHECK (qty >= 0))
        WITH (fillfactor = 50);
        INSERT INTO stock SELECT g, 1000000000 FROM generate_series(1, 1000) AS g;
        CREATE TABLE r (
            order_id uuid, sku int, qty int NOT NULL, state smallint NOT NULL,
            PRIMARY KEY (order_id, sku)
        ) WITH (fillfactor = 80);
    """,
    "floor_payments": """
        CREATE TABLE p (
            order_id uuid PRIMARY KEY, amount bigint NOT NULL, state smallint NOT NULL, psp text
        ) WITH (fillfactor = 80);
    """,
    "floor_saga": """
        CREATE TABLE s (
            order_id uuid PRIMARY KEY, step smallint NOT NULL, deadline timestamptz NOT NULL,
            data bytea NOT NULL
        ) WITH (fillfactor = 70);
    """,
    "floor_history": """
        CREATE TABLE h (
            order_id uuid, step smallint, at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (order_id, step)
        );
    """,
}
EMIT: Final = "SELECT count(pg_logical_emit_message(true, 'o', x)) FROM unnest($1::bytea[]) AS x"
MOVE: Final = "UPDATE offs SET pos = pos + $2 WHERE topic = $1"
ACCEPT: Final = """
INSERT INTO o (id, customer, total, state, idem, body)
SELECT * FROM unnest(
    $1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[], $5::uuid[], $6::bytea[]
) ON CONFLICT DO NOTHING
"""
RESERVE: Final = """
WITH inp AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[])
    WITH ORDINALITY AS t (order_id, sku, qty, ord)
), lock AS (
    SELECT sku, qty FROM stock WHERE sku = ANY($2) ORDER BY sku FOR UPDATE
), run AS (
    SELECT inp.order_id, inp.sku, inp.qty,
           l.qty >= sum(inp.qty) OVER (PARTITION BY inp.sku ORDER BY ord) AS ok
    FROM inp JOIN lock AS l USING (sku)
), upd AS (
    UPDATE stock AS t SET qty = t.qty - x.q
    FROM (SELECT sku, sum(qty) AS q FROM run WHERE ok GROUP BY sku) AS x WHERE t.sku = x.sku
)
INSERT INTO r SELECT order_id, sku, qty, CASE WHEN ok THEN 1 ELSE 9 END FROM run
ON CONFLICT DO NOTHING
"""
START: Final = """
INSERT INTO s SELECT u, 1, now() + interval '10 min', $2 FROM unnest($1::uuid[]) AS u
ON CONFLICT DO NOTHING
"""
INTEND: Final = """
INSERT INTO p SELECT u, 100, 1, NULL FROM unnest($1::uuid[]) AS u ON CONFLICT DO NOTHING
"""
REMEMBER: Final = """
INSERT INTO h (order_id, step) SELECT u, 1 FROM unnest($1::uuid[]) AS u ON CONFLICT DO NOTHING
"""

Connection = Any
Keys = list[UUID]
Work = Callable[[Connection, Keys], Awaitable[None]]


async def _emit(connection: Connection, keys: Keys) -> None:
    await connection.execute(EMIT, [EVENT] * len(keys))


async def _accept(connection: Connection, keys: Keys) -> None:
    n = len(keys)
    await connection.execute(ACCEPT, keys, [1] * n, [100] * n, [1] * n, keys, [BODY] * n)
    await _emit(connection, keys)


async def _reserve(connection: Connection, keys: Keys) -> None:
    n = len(keys)
    await connection.execute(MOVE, "t1", n)
    await connection.execute(RESERVE, keys, [1 + j % 50 for j in range(n)], [1] * n)
    await _emit(connection, keys)


def _stage(statement: str, topic: str | None, *arguments: object, emits: bool = True) -> Work:
    async def work(connection: Connection, keys: Keys) -> None:
        if topic is not None:
            await connection.execute(MOVE, topic, len(keys))
        await connection.execute(statement, keys, *arguments)
        if emits:
            await _emit(connection, keys)

    return work


def _step(table: str, key: str, column: str, to: int) -> str:
    return (
        f"UPDATE {table} SET {column} = {to} "  # noqa: S608 - our own words
        f"WHERE {key} = ANY($1::uuid[]) AND {column} = {to - 1}"
    )


STAGES: Final[Sequence[tuple[str, Work]]] = (
    ("floor_orders", _accept),
    ("floor_saga", _stage(START, "t1", BODY)),
    ("floor_inventory", _reserve),
    ("floor_saga", _stage(_step("s", "order_id", "step", 2), "t2")),
    ("floor_payments", _stage(INTEND, "t1", emits=False)),
    ("floor_payments", _stage(_step("p", "order_id", "state", 2), None)),
    ("floor_saga", _stage(_step("s", "order_id", "step", 3), "t3")),
    ("floor_inventory", _stage(_step("r", "order_id", "state", 2), "t2", emits=False)),
    ("floor_orders", _stage(_step("o", "id", "state", 2), "t2")),
    ("floor_history", _stage(REMEMBER, "t1", emits=False)),
)


async def prepare(dsn_of: Callable[[str], str]) -> None:
    """Make the five databases anew; `dsn_of` gives a superuser's address of a database."""
    admin = await asyncpg.connect(dsn_of("postgres"))
    for database in DATABASES:
        await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {database} STRATEGY wal_log")
        connection = await asyncpg.connect(dsn_of(database))
        await connection.execute(OFFSETS + TABLES[database])
        await connection.close()
    await admin.execute("CHECKPOINT")
    await admin.close()


async def measure(dsn_of: Callable[[str], str], orders: int) -> float:
    """Purchases a second at the floor."""
    await prepare(dsn_of)
    connections = [await asyncpg.connect(dsn_of(database)) for database, _ in STAGES]
    queues: list[asyncio.Queue[Keys | None]] = [
        asyncio.Queue(QUEUED_BATCHES_MAX) for _ in range(len(STAGES) + 1)
    ]
    started_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(_feed(queues[0], orders))
        for at, (_, work) in enumerate(STAGES):
            group.create_task(_pump(connections[at], work, queues[at], queues[at + 1]))
        done = group.create_task(_drain(queues[-1]))
    seconds = time.perf_counter() - started_at
    for connection in connections:
        await connection.close()
    return done.result() / seconds


async def _feed(queue: "asyncio.Queue[Keys | None]", orders: int) -> None:
    ids = Ids()
    for _ in range(orders // BATCH_ORDERS):
        await queue.put([UUID(text) for text in ids.uuid7_texts(BATCH_ORDERS)])
    await queue.put(None)


async def _pump(
    connection: Connection,
    work: Work,
    before: "asyncio.Queue[Keys | None]",
    after: "asyncio.Queue[Keys | None]",
) -> None:
    while (keys := await before.get()) is not None:
        async with connection.transaction():
            await work(connection, keys)
        await after.put(keys)
    await after.put(None)


async def _drain(queue: "asyncio.Queue[Keys | None]") -> int:
    done = 0
    while (keys := await queue.get()) is not None:
        done += len(keys)
    return done
