"""What administrators do: receive and adjust stock, change prices, ship, give money back."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from feira.simulation.client import Client
from feira.simulation.goods import COLD, HOT

TRIES_MAX: Final = 6


class Administrator:
    """`paid_orders` are ids of orders that have been paid, for what is done with those."""

    def __init__(self, client: Client, paid_orders: Callable[[], list[int]]) -> None:
        self._client = client
        self._chance = client.chance
        self._paid_orders = paid_orders

    async def run_errand(self) -> None:
        errands: list[Callable[[], Awaitable[Any]]] = [
            *[self._receive] * 4,
            *[self._adjust] * 3,
            self._change_price,
            self._ship,
            self._refund,
        ]
        await self._chance.choice(errands)()

    async def _receive(self) -> None:
        path = f"/inventory/{self._chance.choice(HOT)}/receipts"
        await self._do("inventory", "POST", path, {"quantity": self._chance.randint(1, 12)})

    async def _adjust(self) -> None:
        path = f"/inventory/{self._chance.choice((*HOT, *COLD))}/adjustments"
        quantity = self._chance.choice((-3, -2, -1, 1, 2))
        await self._do("inventory", "POST", path, {"quantity": quantity, "reason": "counted"})

    async def _change_price(self) -> None:
        path = f"/products/{self._chance.choice((*HOT, *COLD))}"
        await self._do("catalog", "PATCH", path, {"price": self._chance.randint(5, 40)})

    async def _ship(self) -> None:
        paid = self._paid_orders()
        if paid:
            path = f"/orders/{self._chance.choice(paid)}"
            await self._do("orders", "PUT", path, {"status": "shipped", "tracking": "BR1"})

    async def _refund(self) -> None:
        paid = self._paid_orders()
        if not paid:
            return
        order_id = self._chance.choice(paid)
        found = await self._client.ask("payments", "GET", f"/payments?order_id={order_id}")
        for payment in found.answer["items"] if found.status == 200 else ():
            path = f"/payments/{payment['id']}/refunds"
            await self._do("payments", "POST", path, {"amount": self._chance.randint(1, 5)})

    async def _do(self, service: str, method: str, path: str, body: Any) -> None:
        key = self._client.new_key()
        await self._client.ask(service, method, path, body, key=key, tries_max=TRIES_MAX)
