"""The orders service as customers and the other services meet it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feira.chassis.parts import Parts
from feira.chassis.service import Service
from feira.contracts import orders
from feira.services.orders.bootstrap import build
from feira.services.orders.settings import OrdersSettings
from tests.component.running import Running, running
from tests.eventually import eventually
from tests.postgres import PostgresServer
from tests.unit.orders.world import product

TOLD = (
    orders.OrderCreated,
    orders.OrderPaymentSubmitted,
    orders.OrderConfirmed,
    orders.OrderCanceled,
    orders.OrderShipped,
    orders.OrderCompleted,
)


@pytest.fixture
async def shop(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Running]:
    """Products 789 at 19.99, 456 at 29.99, 1 and 2 at 10.00 are sold."""
    dsn = await postgres_server.fresh_database("orders")

    def build_orders(parts: Parts, public: Path) -> Service:
        return build(parts, OrdersSettings(database_url=dsn, jwks_file=public))

    async with running(build_orders, dsn, tmp_path, TOLD) as shop:
        await shop.say(product(789, 19_99), product(456, 29_99), product(1), product(2))

        async def all_are_sold() -> bool:
            wanted = {"itens": [{"id": p, "quantity": 1} for p in (1, 2, 456, 789)]}
            return (await shop.admin.post("/orders", wanted)).status == 201

        await eventually(all_are_sold)
        await shop.hear(1)
        yield shop
