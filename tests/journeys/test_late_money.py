"""Money that arrives after its order was canceled goes back (B4, I3)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from feira.audit.evidence import Money
from tests.audit import all_agree
from tests.eventually import eventually
from tests.journeys.conftest import PROVIDER_TIMEOUT_SECONDS
from tests.shop_client import Caller, ShopClient

LATENCY_MS = 5 * PROVIDER_TIMEOUT_SECONDS * 1000
"""Nobody waits for that: however slow the machine, the shop does not know before it is told."""
RACERS = 60


@pytest.fixture
async def provider_speaks(client: ShopClient) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """It does what it is asked at once, and says so when the test lets it speak."""

    async def speak() -> None:
        await client.play(latency_ms=0, webhooks_paused=False)

    await client.play(latency_ms=LATENCY_MS, webhooks_paused=True)
    yield speak
    await speak()


async def test_a_payment_that_lands_after_the_cancellation_is_refunded(
    client: ShopClient, ana: Caller, provider_speaks: Callable[[], Awaitable[None]]
) -> None:
    product_id = await client.product(stock=4, price=12.34)
    order_id = await ana.buys((product_id, 2))

    async def is_captured() -> bool:
        return (await client.books(order_id))["captured_cents"] == 2468

    await eventually(is_captured, what="the provider has taken the money")
    reply = await ana.post(f"/orders/{order_id}/cancel")
    assert (reply.status, reply.json) == (200, {"id": order_id, "status": "canceled"})

    await provider_speaks()
    order = await ana.sees(order_id, "canceled", payment="refunded", inventory="released")
    assert (order["payment"]["captured"], order["payment"]["refunded"]) == (24.68, 24.68)
    assert await client.books(order_id) == {"captured_cents": 2468, "refunded_cents": 2468}
    await client.has_stock(product_id, on_hand=4, reserved=0)


async def test_a_payment_that_is_undecided_at_the_cancellation_never_happens_or_comes_back(
    client: ShopClient, ana: Caller
) -> None:
    """`tok_slow` is decided three seconds later: the cancellation is first at the provider."""
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1), token="tok_slow")
    await client.has_stock(product_id, reserved=1)
    assert (await ana.delete(f"/orders/{order_id}")).status == 200
    await ana.sees(order_id, "canceled", inventory="released")
    books = await client.books(order_id)
    assert books["captured_cents"] == books["refunded_cents"]
    await client.has_stock(product_id, on_hand=1, reserved=0)


async def test_cancellations_race_payments_and_one_of_both_wins(client: ShopClient) -> None:
    product_id = await client.product(stock=RACERS, price=5.00)

    async def races(number: int) -> tuple[int, str]:
        customer = client.customer()
        order_id = await customer.buys((product_id, 1))
        for _ in range(number % 12):  # some look at their order first: the moments differ
            await customer.order(order_id)
        reply = await customer.post(f"/orders/{order_id}/cancel")
        assert reply.status in (200, 409), reply
        end = "canceled" if reply.status == 200 else "paid"
        await customer.sees(order_id, end)
        return order_id, end

    ends = dict(await asyncio.gather(*(races(number) for number in range(RACERS))))
    paid = [order_id for order_id, end in ends.items() if end == "paid"]
    await client.has_stock(product_id, on_hand=RACERS - len(paid), reserved=0)
    books = (await all_agree(client)).books
    assert {order_id: books[order_id] for order_id in paid} == dict.fromkeys(paid, Money(500))
