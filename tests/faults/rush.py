"""Customers who order, insist until they are answered, and sometimes think better of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import aiohttp

from feira.audit.case import SOLD
from feira.audit.evidence import Evidence
from tests.audit import all_agree
from tests.eventually import eventually
from tests.shop import DATABASE_AWAY, RunningShop
from tests.shop_client import Caller, Reply, ShopClient, order_body

ORDERS: Final = 300
CUSTOMERS: Final = 30
SCARCE_STOCK: Final = 50
PLENTY_STOCK: Final = 1_000
INSIST_TIMEOUT_SECONDS: Final = 120.0
END_TIMEOUT_SECONDS: Final = 150.0
TRY_AGAIN: Final = frozenset({502, 503, 504})

OPEN_ORDERS: Final = "SELECT count(*) FROM orders WHERE NOT settled"
OPEN_SAGAS: Final = "SELECT count(*) FROM saga WHERE open"


@dataclass(frozen=True, slots=True)
class Wish:
    """The nth order of the rush, by one rule or another."""

    number: int
    scarce: int
    plenty: int

    @property
    def kind(self) -> str:
        """Of ten orders four want what is scarce; it is sold to the last unit, whatever breaks."""
        rest = ("declined", "thrice", "regretted", "both", "plain", "plain")
        return "scarce" if self.number % 10 < 4 else rest[self.number % 10 - 4]

    def body(self) -> dict[str, Any]:
        match self.kind:
            case "scarce":
                return order_body((self.scarce, 1))
            case "declined":
                return order_body((self.plenty, 2), token="tok_declined")
            case "thrice":
                return order_body((self.plenty, 1), token="tok_duplicate")
            case _:
                return order_body((self.plenty, 1 + self.number % 3))


@dataclass
class Rush:
    client: ShopClient
    scarce: int
    plenty: int
    customers: list[Caller]
    accepted: dict[str, int] = field(default_factory=dict)
    """Ids of orders by the key they were asked for under."""
    customer_of: dict[int, Caller] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)

    @classmethod
    @asynccontextmanager
    async def on(cls, client: ShopClient) -> AsyncIterator[Self]:
        rush = cls(
            client,
            scarce=await client.product(stock=SCARCE_STOCK),
            plenty=await client.product(stock=PLENTY_STOCK, price=19.99),
            customers=[client.customer() for _ in range(CUSTOMERS)],
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(rush._orders_of(at)) for at in range(CUSTOMERS)]
            yield rush
            for task in tasks:
                task.cancel()  # nothing to cancel where the test has awaited the end

    async def reached(self, orders: int) -> None:
        """So many orders have been accepted."""

        async def has() -> bool:
            return len(self.accepted) >= orders

        await eventually(has, INSIST_TIMEOUT_SECONDS, f"{orders} orders are accepted")

    async def outlives_all(self, shop: RunningShop) -> None:
        """Every process is killed in its turn: the next finds the last one still recovering."""
        names = shop.parts()
        for at, name in enumerate(names, start=1):
            await self.reached(ORDERS * at // (len(names) + 1))
            shop.kill_part(name)
        await self.ends_well()

    async def ends_well(self, timeout_seconds: float = END_TIMEOUT_SECONDS) -> None:
        """Every order was answered, every accepted order ends, and everybody's books agree."""
        await self.reached(ORDERS)
        await eventually(self._all_have_ended, timeout_seconds, "every order ends")
        self._agrees_with(await all_agree(self.client))
        await self._is_as_customers_see_it()

    async def _orders_of(self, customer: int) -> None:
        for number in range(customer, ORDERS, CUSTOMERS):
            await self._order(self.customers[customer], Wish(number, self.scarce, self.plenty))

    async def _order(self, customer: Caller, wish: Wish) -> None:
        key = f"rush-{self.plenty}-{wish.number}"
        reply = await insist(customer, "POST", "/orders", wish.body(), key)
        assert reply.status == 201, reply
        order_id = reply.json["id"]
        self.customer_of[order_id] = customer
        if wish.kind == "regretted":
            canceled = await insist(customer, "DELETE", f"/orders/{order_id}")
            assert canceled.status in (200, 409), canceled
        self.accepted[key] = order_id

    async def _all_have_ended(self) -> bool:
        try:
            async with self.client.shop.database("orders") as db:
                open_orders = await db.fetchval(OPEN_ORDERS)
            async with self.client.shop.database("orchestrator") as db:
                open_sagas = await db.fetchval(OPEN_SAGAS)
        except DATABASE_AWAY:
            return False
        assert (open_orders, open_sagas) == (0, 0), f"{open_orders} orders, {open_sagas} sagas"
        return True

    def _agrees_with(self, evidence: Evidence) -> None:
        """One order a key, none besides; and of what is scarce, not a unit more or less."""
        ours = {
            order_id: row
            for order_id, row in evidence.orders.items()
            if not row.lines.keys().isdisjoint({self.scarce, self.plenty})
        }
        accepted = set(self.accepted.values())
        assert len(accepted) == ORDERS, f"{len(accepted)} orders for {ORDERS} keys"
        assert ours.keys() == accepted, f"ordered twice or lost: {ours.keys() ^ accepted}"
        self.ends = Counter(row.status for row in ours.values())
        sold = Counter[int]()
        for row in ours.values():
            sold.update(row.lines if row.status in SOLD else {})
        for product_id, stock in ((self.scarce, SCARCE_STOCK), (self.plenty, PLENTY_STOCK)):
            left = evidence.stock[product_id].on_hand
            assert left == stock - sold[product_id], f"{left} of {stock}, sold {sold[product_id]}"
        assert sold[self.scarce] == SCARCE_STOCK, f"{sold[self.scarce]} of {SCARCE_STOCK} sold"

    async def _is_as_customers_see_it(self) -> None:
        seen = await asyncio.gather(
            *(customer.order(order_id) for order_id, customer in self.customer_of.items())
        )
        seen_ends = Counter(order["status"] for order in seen)
        assert seen_ends == self.ends, f"customers see {seen_ends}, the database {self.ends}"
        await self.client.shows_stock(self.scarce, 0)


async def insist(
    caller: Caller, method: str, path: str, body: Any = None, key: str | None = None
) -> Reply:
    """Send the same request until somebody answers it, as a customer's program should."""

    async def answered() -> Reply | None:
        try:
            sent = () if body is None else (body,)
            reply = await caller.send(method, path, *sent, key=key)
        except (aiohttp.ClientError, TimeoutError):
            return None
        return None if reply.status in TRY_AGAIN else reply

    reply = await eventually(answered, INSIST_TIMEOUT_SECONDS, f"{method} {path} is answered")
    assert reply is not None
    return reply
