"""Flash sales: administrators start them, crowds claim, winners pay or do not, others wait."""

import asyncio
from datetime import timedelta
from typing import Any, Final

from feira.simulation.client import Client
from feira.simulation.clocks import START
from feira.simulation.customers import TRIES_MAX, Customer
from feira.simulation.goods import ON_SALE
from feira.simulation.services import PREPARE_SECONDS

UNITS: Final = (3, 8, 15)
OPEN_SECONDS: Final = (10.0, 20.0, 40.0)
PAY_SECONDS: Final = (4, 10, 20)
QUEUES: Final = (0, 5, 60)
PRICE: Final = 1.00
TELLS_AHEAD_SECONDS: Final = PREPARE_SECONDS + 4.0
CLAIMS_TWICE: Final = 0.2
PAYS_WITH_CLAIM: Final = 0.5
LOOKS_WHILE_WAITING: Final = 5
ENDS_EARLY: Final = 0.1


class Sales:
    """The flash sales there are, as everybody hears of them: campaigns' ids."""

    def __init__(self) -> None:
        self.open: list[int] = []

    async def hold(self, admin: Client, opens_at_seconds: float) -> None:
        """One drop, from its announcement to a while after its end."""
        chance = admin.chance
        opens_at = START + timedelta(seconds=opens_at_seconds)
        seconds = chance.choice(OPEN_SECONDS)
        body = {
            "product_id": chance.choice(ON_SALE),
            "price": PRICE,
            "stock": chance.choice(UNITS),
            "starts_at": opens_at.isoformat(),
            "ends_at": (opens_at + timedelta(seconds=seconds)).isoformat(),
            "pay_seconds": chance.choice(PAY_SECONDS),
            "queue_max": chance.choice(QUEUES),
            "per_customer": chance.choice((1, 1, 1, 2)),
        }
        key = admin.new_key()
        told = await admin.ask(
            "flashsale", "POST", "/flash-sales", body, key=key, tries_max=2 * TRIES_MAX
        )
        if told.status != 201:
            return
        campaign_id = int(told.answer["id"])
        self.open.append(campaign_id)
        await asyncio.sleep(TELLS_AHEAD_SECONDS + seconds * chance.random())
        if chance.random() < ENDS_EARLY:
            path = f"/flash-sales/{campaign_id}"
            await admin.ask(
                "flashsale", "DELETE", path, key=admin.new_key(), tries_max=2 * TRIES_MAX
            )
        await asyncio.sleep(seconds)
        self.open.remove(campaign_id)


class Hunter:
    """A customer who is there for a unit of a sale."""

    def __init__(self, client: Client, sale_id: int) -> None:
        self._client = client
        self._chance = client.chance
        self._sale_id = sale_id

    async def hunt(self) -> None:
        for _ in range(2 if self._chance.random() < CLAIMS_TWICE else 1):
            order_id = await self._claim()
            if order_id is not None:
                await Customer(self._client).go_on_with(order_id)

    async def _claim(self) -> int | None:
        """The order that was won, at once or after waiting."""
        body: dict[str, Any] = {}
        if self._chance.random() < PAYS_WITH_CLAIM:
            body["payment"] = Customer(self._client).payment()
        path = f"/flash-sales/{self._sale_id}/orders"
        key = self._client.new_key()
        call = await self._client.ask("flashsale", "POST", path, body, key=key, tries_max=TRIES_MAX)
        if call.status == 201:
            return int(call.answer["id"])
        if call.status == 409 and call.answer.get("waiting"):
            return await self._wait()
        return None

    async def _wait(self) -> int | None:
        path = f"/flash-sales/{self._sale_id}/claim"
        for _ in range(LOOKS_WHILE_WAITING):
            await asyncio.sleep(self._chance.random() * 6.0)
            look = await self._client.ask("flashsale", "GET", path)
            if look.status == 200 and look.answer["status"] == "won":
                return int(look.answer["order_id"])
        return None
