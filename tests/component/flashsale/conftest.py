"""The flash-sale service as customers, administrators and the other services meet it."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from feira.chassis.parts import Parts
from feira.chassis.service import Service
from feira.contracts import flashsale
from feira.services.flashsale.bootstrap import build
from feira.services.flashsale.settings import FlashsaleSettings
from tests.component.running import Running, running
from tests.eventually import eventually
from tests.postgres import PostgresServer

TOLD = (
    flashsale.SetAsideStock,
    flashsale.GiveBackStock,
    flashsale.OrdersRequested,
    flashsale.ClaimsWon,
    flashsale.ClaimsLapsed,
    flashsale.DropOpened,
    flashsale.DropClosed,
)


@pytest.fixture
async def shop(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Running]:
    dsn = await postgres_server.fresh_database("flashsale")

    def build_sales(parts: Parts, public: Path) -> Service:
        settings = FlashsaleSettings(
            database_url=dsn, jwks_file=public, ticket_key="a-key-that-only-tests-know-of-42"
        )
        return build(parts, settings)

    async with running(build_sales, dsn, tmp_path, TOLD) as shop:
        askers = count(1_000)

        async def knows_its_drops() -> bool:
            answer = await shop.customer(next(askers)).post("/flash-sales/999/orders")
            return answer.status == 404

        await eventually(knows_its_drops)
        yield shop
