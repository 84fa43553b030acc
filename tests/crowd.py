"""A crowd at a flash sale: everybody claims, insists until answered, and some pay."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from tests.audit import all_agree
from tests.eventually import eventually
from tests.shop import DATABASE_AWAY
from tests.shop_client import DELIVERY, Caller, Reply, ShopClient

UNITS: Final = 100
PAY_SECONDS: Final = 3
BUYERS: Final = int(os.environ.get("FEIRA_CROWD_BUYERS", "2000"))
CONCURRENCY: Final = int(os.environ.get("FEIRA_CROWD_CONCURRENCY", "250"))
ANSWER_SECONDS_MAX: Final = 120.0
SOLD_SECONDS_MAX: Final = 150.0
TRY_AGAIN: Final = frozenset({429, 503})

SALE: Final = """
SELECT status, set_aside, held, sold, given_back, queued - served AS waiting FROM sale_drop
WHERE id = $1
"""
BUYERS_OF: Final = """
SELECT count(*) AS units, count(DISTINCT customer_id) AS customers,
       count(*) FILTER (WHERE status = 'lapsed') AS lapsed
FROM claim WHERE drop_id = $1 AND order_id IS NOT NULL
"""
DISAGREEING: Final = """
SELECT id FROM sale_drop_audit WHERE set_aside <> held + sold + given_back + units_left
    OR held <> claims_won OR sold <> claims_sold OR claims <> claims_there
    OR waiting <> claims_waiting OR units_left < 0
"""
PAID: Final = """
SELECT count(*) FROM orders WHERE id = ANY($1::bigint[]) AND status = 'paid'
"""
SOLD_ORDERS: Final = "SELECT order_id FROM claim WHERE drop_id = $1 AND status = 'sold'"


@dataclass
class Crowd:
    """Buyers of one sale of a hundred units; `strange` are answers that nobody should get."""

    client: ShopClient
    sale_id: int
    product_id: int
    answers: dict[int, Reply] = field(default_factory=dict)
    """The last word each buyer got, by number."""
    tried_again: Counter[int] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)

    @classmethod
    async def gathers(cls, client: ShopClient, **about: Any) -> "Crowd":
        """A sale that is open, of a new product that costs much more otherwise."""
        product_id = await client.product(stock=UNITS, price=4_999.90)
        now = datetime.now(UTC)
        body = {
            "product_id": product_id,
            "price": 1.00,
            "stock": UNITS,
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
            "pay_seconds": PAY_SECONDS,
            **about,
        }
        started = await client.admin.post("/flash-sales", body)
        assert started.status == 201, started
        crowd = cls(client, started.json["id"], product_id)
        await eventually(crowd._is_open, what="the sale opens")
        return crowd

    async def rushes_in(self, buyers: int = BUYERS, concurrency: int = CONCURRENCY) -> None:
        """Everybody claims, so many at once; returns when everybody was answered."""
        numbers = iter(range(buyers))

        async def one_after_another() -> None:
            for number in numbers:
                await self._buys(number)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, buyers)):
                group.create_task(one_after_another())

    async def was_answered(self, buyers: int) -> None:
        """So many have their answer by now."""

        async def have() -> bool:
            return len(self.answers) >= buyers

        await eventually(have, ANSWER_SECONDS_MAX, f"{buyers} buyers are answered")

    async def ends_well(self, buyers: int = BUYERS) -> None:
        """Every unit is sold and paid, one a customer; everybody's books agree."""
        assert not self.strange, self.strange[:5]
        assert len(self.answers) == buyers
        said = Counter("won" if r.status == 201 else r.code for r in self.answers.values())
        assert set(said) <= {"won", "sold_out"}, said
        assert said["won"] <= UNITS, said
        await eventually(self._all_is_sold, SOLD_SECONDS_MAX, "every unit is paid")
        await self._nobody_has_two()
        await all_agree(self.client)
        await self.client.has_stock(self.product_id, on_hand=0, reserved=0, available=0)

    # --- a buyer ---------------------------------------------------------------------------------

    async def _buys(self, number: int) -> None:
        caller = self.client.customer()
        claim: dict[str, Any] = {"delivery": DELIVERY}
        if number % 5:  # one of five never pays: the unit is for the next in the queue
            claim["payment"] = {"method": "card", "token": "tok_visa"}
        reply = await eventually(
            lambda: self._claims(caller, claim), ANSWER_SECONDS_MAX, f"buyer {number} is answered"
        )
        assert reply is not None
        self.answers[number] = reply

    async def _claims(self, caller: Caller, claim: Any) -> Reply | None:
        path, key = f"/flash-sales/{self.sale_id}/orders", f"crowd-{self.sale_id}"
        try:
            reply = await caller.post(path, claim, key=key)
        except (aiohttp.ClientError, TimeoutError):  # a gateway that was killed
            self.tried_again[0] += 1
            return None
        if reply.status in TRY_AGAIN and "Retry-After" in reply.headers:
            self.tried_again[reply.status] += 1
            return None
        if reply.status >= 500 or reply.status not in (201, 409):
            self.strange.append(f"{reply}")
        return reply

    # --- the end ---------------------------------------------------------------------------------

    async def _is_open(self) -> bool:
        reply = await self.client.nobody.get(f"/flash-sales/{self.sale_id}")
        return reply.status == 200 and reply.json["status"] == "open"

    async def _all_is_sold(self) -> bool:
        try:
            async with self.client.shop.database("flashsale") as db:
                drop = dict(await db.fetchrow(SALE, self.sale_id) or {})
                order_ids = [row["order_id"] for row in await db.fetch(SOLD_ORDERS, self.sale_id)]
            async with self.client.shop.database("orders") as db:
                paid = await db.fetchval(PAID, order_ids)
        except DATABASE_AWAY:
            return False
        assert (drop["sold"], drop["held"], paid) == (UNITS, 0, UNITS), f"{drop}, {paid} paid"
        return True

    async def _nobody_has_two(self) -> None:
        async with self.client.shop.database("flashsale") as db:
            counted = await db.fetchrow(BUYERS_OF, self.sale_id)
            disagreeing = await db.fetch(DISAGREEING)
        assert counted is not None
        assert counted["units"] == counted["customers"], dict(counted)
        assert counted["units"] - counted["lapsed"] == UNITS, dict(counted)
        assert counted["lapsed"] > 0, "some never paid, and their units were sold again"
        assert disagreeing == [], f"drops and their claims disagree: {disagreeing}"
