"""The flash-sale service as a crowd meets it; inventory sets aside whatever it is asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feira.chassis.parts import Parts
from feira.chassis.service import Service
from feira.contracts.flashsale import SetAsideStock
from feira.contracts.inventory import StockSetAside
from feira.services.flashsale.bootstrap import build
from feira.services.flashsale.settings import FlashsaleSettings
from tests.asgi import AsgiAnswer
from tests.component.running import Running, running
from tests.eventually import eventually
from tests.postgres import PostgresServer

TICKET_KEY = "tickets-of-the-tests-have-this-key"


@dataclass
class Sale:
    """The running service; `opens` starts a campaign."""

    shop: Running

    async def opens(self, **about: Any) -> int:
        """A sale that is open now, and that memory knows; its id."""
        now = datetime.now(UTC)
        body = {
            "product_id": 1,
            "price": 1.00,
            "stock": 2,
            "starts_at": (now - timedelta(seconds=1)).isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
            **about,
        }
        started = await self.shop.admin.post("/flash-sales", body)
        assert started.status == 201, started.body
        sale_id: int = started.json["id"]
        await eventually(lambda: self.is_known(sale_id), 10, "the sale is known")
        return sale_id

    async def is_known(self, sale_id: int) -> bool:
        """Tickets are asked for where there is no waiting room: memory has read of the drop."""
        answer = await self.shop.customer(99).post(f"/flash-sales/{sale_id}/admission")
        return answer.status != 404

    async def claims(self, sale_id: int, customer_id: int, **headers: str) -> AsgiAnswer:
        return await self.shop.customer(customer_id).post(
            f"/flash-sales/{sale_id}/orders",
            {},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture
async def sale(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Sale]:
    dsn = await postgres_server.fresh_database("flashsale")

    def build_flashsale(parts: Parts, public: Path) -> Service:
        settings = FlashsaleSettings(
            database_url=dsn,
            jwks_file=public,
            ticket_key=TICKET_KEY,
            counts_saved_seconds=0.05,
            address_claims_per_second=1_000_000,
            address_claims_at_once=1_000_000,
        )
        return build(parts, settings)

    async with running(build_flashsale, dsn, tmp_path, (SetAsideStock,)) as shop:
        answering = asyncio.create_task(_set_aside(shop))
        yield Sale(shop)
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering


async def _set_aside(shop: Running) -> None:
    while True:
        with suppress(TimeoutError):
            for asked in await shop.hear(1):
                assert isinstance(asked, SetAsideStock)
                await shop.say(
                    StockSetAside(
                        allotment_id=asked.allotment_id,
                        product_id=asked.product_id,
                        quantity=asked.quantity,
                    )
                )
