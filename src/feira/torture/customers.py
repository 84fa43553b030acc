"""Customers of every kind: they insist, repeat themselves, think better of it, and pay late."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import aiohttp

from feira.torture.arena import HOLD_SECONDS
from feira.torture.callers import DELIVERY, Caller, Reply, order_body

PATIENCE_SECONDS: Final = 150.0
"""How long somebody asks for the same thing before they give up: then nobody knows."""
ASK_AGAIN_SECONDS: Final = (0.1, 1.0)
THINK_SECONDS_MAX: Final = 0.6
TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
LINES_MAX: Final = 3
TOKENS: Final = {
    "tok_visa": 12,
    "tok_declined": 2,
    "tok_duplicate": 3,
    "tok_slow": 1,
    "tok_timeout": 1,
}
"""How often each token of the sandbox is used, of all of them together."""


class GaveUp(Exception):
    """Nobody answered in time."""


async def insist(
    caller: Caller, method: str, path: str, body: Any = None, *, key: str | None, dice: Random
) -> Reply:
    """Send the same request until somebody who knows answers it. Raises `GaveUp`."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    sent = () if body is None else (body,)
    while True:
        try:
            reply = await caller.send(method, path, *sent, key=key)
            if reply.status not in TRY_AGAIN:
                return reply
        except (aiohttp.ClientError, TimeoutError):
            pass
        if asyncio.get_running_loop().time() > deadline:
            raise GaveUp(f"{method} {path}")
        await asyncio.sleep(dice.uniform(*ASK_AGAIN_SECONDS))


@dataclass
class Customer:
    """One of the crowd. `prices` are those of the products, `sale_id` names the flash sale."""

    name: str
    caller: Caller
    prices: dict[int, float]
    sale_id: int
    dice: Random
    orders: int = 0
    given_up: int = 0

    async def shops_until(self, closing: asyncio.Event) -> None:
        stories = list(STORIES)
        weights = list(STORIES.values())
        while not closing.is_set():
            (story,) = self.dice.choices(stories, weights)
            try:
                await story(self)
            except GaveUp:
                self.given_up += 1
            await asyncio.sleep(self.dice.uniform(0, THINK_SECONDS_MAX))

    # --- stories ---------------------------------------------------------------------------------

    async def buys(self) -> None:
        await self._orders(self._body())

    async def repeats_itself(self) -> None:
        """The same request several times at once, as an impatient program does."""
        body, key = self._body(), self._key()
        await asyncio.gather(*(self._asks("POST", "/orders", body, key=key) for _ in range(3)))

    async def asks_for_something_else_with_the_same_key(self) -> None:
        key = self._key()
        await self._asks("POST", "/orders", self._body(), key=key)
        await self._asks("POST", "/orders", self._body(), key=key)

    async def believes_a_price(self) -> None:
        """The other way to order: a wrong price is refused."""
        product_id = self.dice.choice(list(self.prices))
        price = self.prices[product_id] + self.dice.choice([0.0, 0.0, 0.01])
        product = {"product_id": product_id, "quantity": 1, "price": round(price, 2)}
        body = {
            "customer_id": self.caller.who,
            "products": [product],
            "payment": {"method": "card", "token": self._token()},
        }
        await self._asks("POST", "/api/orders", body, key=self._key())

    async def thinks_better_of_it(self) -> None:
        """Cancels before, while or after it is paid, or twice at once."""
        order_id = await self._orders(self._body(pays=self.dice.random() < 0.8))
        if order_id is None:
            return
        await asyncio.sleep(self.dice.choice([0.0, 0.0, 0.05, 0.3, 1.0]))
        await asyncio.gather(*(self._cancels(order_id) for _ in range(self.dice.choice([1, 2]))))
        await self._looks(order_id)

    async def pays_later(self) -> None:
        """Perhaps with a card that is declined first, perhaps when its hold is just ending."""
        order_id = await self._orders(self._body(pays=False))
        if order_id is None:
            return
        await self._looks(order_id)
        await asyncio.sleep(self.dice.choice([0.0, 0.5, 2.0, HOLD_SECONDS - 0.5]))
        if self.dice.random() < 0.4:
            await self._pays(order_id, "tok_declined")
            await asyncio.sleep(self.dice.uniform(0, 2.0))
        await self._pays(order_id, self._token())
        await self._looks(order_id)

    async def pays_and_cancels_at_once(self) -> None:
        order_id = await self._orders(self._body(pays=False))
        if order_id is not None:
            await asyncio.gather(self._pays(order_id, "tok_visa"), self._cancels(order_id))
            await self._looks(order_id)

    async def never_pays(self) -> None:
        await self._orders(self._body(pays=False))

    async def watches(self) -> None:
        """Looks at its order again and again: it must never go back."""
        order_id = await self._orders(self._body())
        if order_id is not None:
            for _ in range(self.dice.randint(2, 6)):
                await self._looks(order_id)
                await asyncio.sleep(self.dice.uniform(0, 0.5))

    async def claims_a_unit(self) -> None:
        """Of the flash sale: pays for it, thinks better of it, or forgets it."""
        path = f"/flash-sales/{self.sale_id}/orders"
        reply = await self._asks("POST", path, {"delivery": DELIVERY}, key=self._key())
        if reply.status != 201:
            return
        match self.dice.randrange(4):
            case 0:
                pass
            case 1:
                await self._cancels(reply.json["id"])
            case _:
                await self._pays(reply.json["id"], "tok_visa")

    # --- what stories are made of ----------------------------------------------------------------

    async def _orders(self, body: dict[str, Any]) -> int | None:
        reply = await self._asks("POST", "/orders", body, key=self._key())
        return int(reply.json["id"]) if reply.status == 201 else None

    async def _cancels(self, order_id: int) -> None:
        method, path = self.dice.choice(
            [("DELETE", f"/orders/{order_id}"), ("POST", f"/orders/{order_id}/cancel")]
        )
        key = self._key() if method == "POST" else None
        await self._asks(method, path, key=key)

    async def _pays(self, order_id: int, token: str) -> None:
        body = {"method": "card", "token": token}
        await self._asks("POST", f"/orders/{order_id}/payment", body, key=self._key())

    async def _looks(self, order_id: int) -> None:
        await self._asks("GET", f"/orders/{order_id}")

    async def _asks(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Reply:
        return await insist(self.caller, method, path, body, key=key, dice=self.dice)

    def _body(self, *, pays: bool = True) -> dict[str, Any]:
        products = self.dice.sample(list(self.prices), self.dice.randint(1, LINES_MAX))
        items = [(product_id, self.dice.randint(1, 3)) for product_id in products]
        return order_body(*items, token=self._token() if pays else None)

    def _token(self) -> str:
        (token,) = self.dice.choices(list(TOKENS), list(TOKENS.values()))
        return token

    def _key(self) -> str:
        self.orders += 1
        return f"{self.name}-{self.orders}"


Story = Callable[[Customer], Awaitable[None]]

STORIES: Final[dict[Story, int]] = {
    Customer.buys: 6,
    Customer.repeats_itself: 3,
    Customer.asks_for_something_else_with_the_same_key: 1,
    Customer.believes_a_price: 2,
    Customer.thinks_better_of_it: 5,
    Customer.pays_later: 3,
    Customer.pays_and_cancels_at_once: 3,
    Customer.never_pays: 1,
    Customer.watches: 2,
    Customer.claims_a_unit: 4,
}
"""What customers do, and how often each."""


@dataclass
class Administrator:
    """Receives and adjusts stock, and insists until it is done."""

    name: str
    caller: Caller
    products: list[int]
    dice: Random
    moves: int = 0
    given_up: int = 0

    async def works_until(self, closing: asyncio.Event) -> None:
        while not closing.is_set():
            try:
                await self._moves_stock()
            except GaveUp:
                self.given_up += 1
            await asyncio.sleep(self.dice.uniform(0.2, 2.0))

    async def _moves_stock(self) -> None:
        self.moves += 1
        product_id = self.dice.choice(self.products)
        body: dict[str, Any]
        if self.dice.random() < 0.7:
            noun, body = "receipts", {"quantity": self.dice.randint(1, 30)}
        else:
            quantity = self.dice.choice([-3, -2, -1, 1, 2])
            noun, body = "adjustments", {"quantity": quantity, "reason": "counted"}
        path = f"/inventory/{product_id}/{noun}"
        key = f"{self.name}-{self.moves}"
        await insist(self.caller, "POST", path, body, key=key, dice=self.dice)
