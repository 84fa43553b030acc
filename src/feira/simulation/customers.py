"""What customers do: order, pay at once, later, too late, twice or never; cancel; ask again."""

import asyncio
from typing import Any, Final

from feira.audit.evidence import Call
from feira.simulation.bank import AUTHORIZED, DECLINED, GOOD
from feira.simulation.client import Client
from feira.simulation.goods import wanted_by
from feira.simulation.services import HOLD_SECONDS

TRIES_MAX: Final = 6
PAYS_AT_ONCE: Final = 0.45
CANCELS: Final = 0.25
LOOKS: Final = 0.3
ASKS_TWICE: Final = 0.1
TOKENS: Final = (*[GOOD] * 14, *[AUTHORIZED] * 3, *[DECLINED] * 3)
PAYS_AFTER_SECONDS: Final = (0.1, 0.5, 2.0, 5.0, 20.0, HOLD_SECONDS - 2.0, HOLD_SECONDS + 1.0)
"""At most so long after the order: mostly soon, and sometimes when the hold ends."""
CANCELS_AFTER_SECONDS: Final = (0.05, 0.2, 0.5, 1.0, 3.0, 10.0, HOLD_SECONDS + 1.0)


class Customer:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._chance = client.chance

    async def shop(self) -> None:
        """From the order to whatever comes of it."""
        chance = self._chance
        pays_at_once = chance.random() < PAYS_AT_ONCE
        order_id = await self._order(self.payment() if pays_at_once else None)
        if order_id is not None:
            await self.go_on_with(order_id, pays_later=not pays_at_once)

    async def go_on_with(self, order_id: int, *, pays_later: bool = True) -> None:
        chance = self._chance
        async with asyncio.TaskGroup() as group:
            if pays_later:
                group.create_task(self._pay(order_id))
            if chance.random() < CANCELS:
                group.create_task(self._cancel(order_id))
            if chance.random() < LOOKS:
                group.create_task(self._look(order_id))

    async def _order(self, payment: dict[str, str] | None) -> int | None:
        items = [{"id": product, "quantity": count} for product, count in wanted_by(self._chance)]
        body: dict[str, Any] = {"itens": items}
        if payment is not None:
            body["payment"] = payment
        key = self._client.new_key()
        call = await self._client.ask(
            "orders", "POST", "/orders", body, key=key, tries_max=TRIES_MAX
        )
        if self._chance.random() < ASKS_TWICE:  # a second click
            call = await self._client.ask(
                "orders", "POST", "/orders", body, key=key, tries_max=TRIES_MAX
            )
        return _id_of(call)

    async def _pay(self, order_id: int) -> None:
        chance = self._chance
        offers = chance.choice((0, 1, 1, 1, 1, 1, 2, 3))
        for _ in range(offers):
            await asyncio.sleep(chance.random() * chance.choice(PAYS_AFTER_SECONDS))
            await self._client.ask(
                "orders",
                "POST",
                f"/orders/{order_id}/payment",
                self.payment(),
                key=self._client.new_key(),
                tries_max=TRIES_MAX,
            )

    async def _cancel(self, order_id: int) -> None:
        chance = self._chance
        await asyncio.sleep(chance.random() * chance.choice(CANCELS_AFTER_SECONDS))
        method, path = chance.choice(
            (("POST", f"/orders/{order_id}/cancel"), ("DELETE", f"/orders/{order_id}"))
        )
        key = self._client.new_key()
        await self._client.ask("orders", method, path, key=key, tries_max=TRIES_MAX)

    async def _look(self, order_id: int) -> None:
        for _ in range(self._chance.choice((1, 2, 4))):
            await asyncio.sleep(self._chance.random() * self._chance.choice((0.5, 3.0, 15.0)))
            await self._client.ask("orders", "GET", f"/orders/{order_id}")

    def payment(self) -> dict[str, str]:
        return {"method": "card", "token": self._chance.choice(TOKENS)}


def _id_of(call: Call) -> int | None:
    return int(call.answer["id"]) if call.status == 201 else None
