"""Orders that a flash sale requests: theirs are the id, the price and the deadline (B6)."""

import asyncio
from datetime import UTC, datetime, timedelta

from feira.contracts.flashsale import WORKERS_OF_FLASHSALE, OrdersRequested, RequestedOrder
from feira.contracts.orders import OrderCreated
from feira.kernel.ids import Ids
from tests.component.running import Running, codes

DROP = 77
CARD = {"method": "card", "token": "tok_visa"}


def request(order_id: int, pay_until: datetime) -> OrdersRequested:
    wanted = RequestedOrder(order_id=order_id, customer_id=7, pay_until=pay_until)
    return OrdersRequested(drop_id=DROP, product_id=789, price_cents=1_00, orders=(wanted,))


async def test_an_order_of_a_sale_is_made_once_at_the_sales_price(shop: Running) -> None:
    order_id = Ids(workers=WORKERS_OF_FLASHSALE).number()
    pay_until = datetime.now(UTC) + timedelta(minutes=5)
    await shop.say(request(order_id, pay_until), request(order_id, pay_until))
    created = [told for told in await shop.hear(1) if isinstance(told, OrderCreated)]
    assert len(created) == 1
    assert (created[0].allotment_id, created[0].total_cents) == (DROP, 1_00)
    assert created[0].hold_until == pay_until
    shown = (await shop.customer().get(f"/orders/{order_id}")).json
    assert (shown["status"], shown["total"]) == ("pending", 1.0)


async def test_who_asks_for_it_before_it_is_there_waits_a_moment(shop: Running) -> None:
    order_id = Ids(workers=WORKERS_OF_FLASHSALE).number()
    asking = [
        asyncio.create_task(shop.customer().get(f"/orders/{order_id}")),
        asyncio.create_task(shop.customer().post(f"/orders/{order_id}/payment", CARD)),
    ]
    await shop.say(request(order_id, datetime.now(UTC) + timedelta(minutes=5)))
    assert [(await answer).status for answer in asking] == [200, 202]


async def test_an_order_that_nobody_promised_is_not_waited_for(shop: Running) -> None:
    of_orders = Ids().number()
    assert codes([await shop.customer().get(f"/orders/{of_orders}")]) == [(404, "order_not_found")]
