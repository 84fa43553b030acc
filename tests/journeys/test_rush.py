"""Black Friday: a thousand customers at once for a hundred units (I2, B7)."""

import asyncio
from collections import Counter

from feira.audit.evidence import Money
from tests.audit import all_agree
from tests.eventually import eventually
from tests.shop_client import Caller, ShopClient, order_body

CUSTOMERS = 1_000
UNITS = 100
END_TIMEOUT_SECONDS = 150.0


async def test_a_thousand_customers_for_a_hundred_units(client: ShopClient) -> None:
    product_id = await client.product(stock=UNITS, price=3.00)
    customers = [client.customer() for _ in range(CUSTOMERS)]
    order_ids = await asyncio.gather(*(wants(customer, product_id) for customer in customers))
    assert len(set(order_ids)) == CUSTOMERS

    await eventually(
        lambda: all_have_ended(client, order_ids), END_TIMEOUT_SECONDS, "every order ends"
    )
    orders = await asyncio.gather(
        *(customer.order(order_id) for customer, order_id in zip(customers, order_ids, strict=True))
    )
    ends = Counter((order["status"], order["inventory"]["status"]) for order in orders)
    assert ends == {("paid", "sold"): UNITS, ("canceled", "insufficient"): CUSTOMERS - UNITS}

    evidence = await all_agree(client)  # about what the other journeys have left, too
    ours = set(order_ids)
    captured = [money for order_id, money in evidence.books.items() if order_id in ours]
    assert captured == [Money(300)] * UNITS
    await client.has_stock(product_id, on_hand=0, reserved=0, available=0)
    await client.shows_stock(product_id, 0)


async def wants(customer: Caller, product_id: int) -> int:
    """One unit, asked for until the shop has taken the order: a full queue says when to return."""
    key = f"rush-{product_id}"

    async def accepted() -> int | None:
        reply = await customer.post("/orders", order_body((product_id, 1)), key=key)
        assert reply.status in (201, 503), reply
        return reply.json["id"] if reply.status == 201 else None

    order_id = await eventually(accepted, what="the order is accepted")
    assert order_id is not None
    return order_id


async def all_have_ended(client: ShopClient, order_ids: list[int]) -> bool:
    async with client.shop.database("orders") as db:
        open_count = await db.fetchval(
            "SELECT count(*) FROM orders WHERE id = ANY($1::bigint[]) AND NOT settled", order_ids
        )
    return bool(open_count == 0)
