"""A message that cannot be handled is kept, and sent again once the cause is gone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from feira.chassis.postgres.connection import Connection, ReadConnection, connect
from feira.chassis.postgres.dead_letters import list_dead_letters, redrive
from feira.kernel.clock import SystemClock
from feira.kernel.errors import Refused
from tests.component.orders.test_orders_api import placed, until
from tests.component.running import Running
from tests.eventually import eventually
from tests.unit.orders.world import confirming, progress


@pytest.fixture
async def connection(shop: Running) -> AsyncIterator[Connection]:
    connection = await connect(shop.dsn, "test")
    yield connection
    await connection.close()


async def letters_of(connection: Connection, **which: Any) -> Any:
    return await list_dead_letters(ReadConnection(connection), **which)


async def test_a_dead_letter_is_sent_again_and_handled_once(
    shop: Running, connection: Connection
) -> None:
    order_id = await placed(shop)
    clock, dsn = SystemClock(), shop.dsn
    await connection.execute("ALTER TABLE orders ADD CONSTRAINT broken CHECK (status <> 'paid')")
    await shop.say(confirming(order_id, 30_00))

    async def buried() -> Any:
        return await letters_of(connection)

    (letter,) = await eventually(buried)
    assert letter.type == "feira.orchestrator.confirm_order.v1"
    assert "CheckViolationError" in letter.error
    assert str(order_id) in letter.body

    await connection.execute("ALTER TABLE orders DROP CONSTRAINT broken")
    assert await redrive(dsn, "orders", letter.id, clock) is None
    await until(shop, order_id, status="paid")
    assert await letters_of(connection) == []
    (redriven,) = await letters_of(connection, also_redriven=True)
    assert redriven.redriven_at is not None

    assert await redrive(dsn, "orders", letter.id, clock) is None  # by mistake: no harm
    await shop.say(progress(await placed_again(shop), 2))
    assert await connection.fetchval("SELECT count(*) FROM orders WHERE status = 'paid'") == 1


async def placed_again(shop: Running) -> int:
    answer = await shop.customer().post("/orders", {"itens": [{"id": 1, "quantity": 1}]})
    order_id: int = answer.json["id"]
    return order_id


async def test_a_dead_letter_that_still_breaks_is_buried_again(
    shop: Running, connection: Connection
) -> None:
    await shop.say(confirming(404))

    async def buried() -> Any:
        return await letters_of(connection)

    (letter,) = await eventually(buried)
    assert letter.error == "KeyError: 404"
    await redrive(shop.dsn, "orders", letter.id, SystemClock())

    async def buried_again() -> bool:
        return [again.id for again in await letters_of(connection)] > [letter.id]

    await eventually(buried_again)


async def test_only_what_is_there_can_be_sent_again(shop: Running) -> None:
    dsn = shop.dsn
    refused = await redrive(dsn, "orders", 404, SystemClock())
    assert isinstance(refused, Refused)
    assert refused.code == "dead_letter_not_found"
