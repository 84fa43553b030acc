"""What every party says of each order: the services' databases, and the provider's own books."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from feira.runtime.registry import SERVICES
from tests.shop import RunningShop
from tests.shop_client import ShopClient

Lines = dict[int, int]
"""Quantities by product."""
Money = tuple[int, int]
"""Captured and refunded, in centavos."""

ORDERS: Final = """
SELECT id, customer_id, status, payment_status, inventory_status, total_cents, captured_cents,
       refunded_cents, settled, lines FROM orders
"""
SAGAS: Final = "SELECT order_id, progress ->> 0 AS state FROM saga"
RESERVATIONS: Final = "SELECT order_id, status, lines FROM reservation"
STOCK: Final = "SELECT product_id, on_hand, ledger_on_hand, reserved, held FROM stock_audit"
PAYMENTS: Final = """
SELECT order_id, sum(captured_cents)::bigint, sum(refunded_cents)::bigint,
       sum(refunding_cents)::bigint AS refunding FROM payment GROUP BY order_id
"""
LEDGER: Final = """
SELECT payment.order_id,
       coalesce(sum(entry.amount_cents) FILTER (WHERE entry.kind = 'capture'), 0)::bigint,
       coalesce(sum(entry.amount_cents) FILTER (WHERE entry.kind = 'refund'), 0)::bigint
FROM ledger_entry AS entry JOIN payment ON payment.id = entry.payment_id GROUP BY 1
"""
BURIED: Final = "SELECT type || ': ' || error FROM dead_letter"
UNPUBLISHED: Final = "SELECT count(*) FROM outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    customer_id: int
    status: str
    payment_status: str
    inventory_status: str
    total_cents: int
    money: Money
    settled: bool
    lines: Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    on_hand: int
    ledger_on_hand: int
    reserved: int
    held: int


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What every party says, by order or by product."""

    orders: dict[int, OrderRow]
    sagas: dict[int, str]
    reservations: dict[int, tuple[str, Lines]]
    stock: dict[int, StockRow]
    payments: dict[int, Money]
    """What the payments service believes."""
    ledger: dict[int, Money]
    """Its double entry."""
    books: dict[int, Money]
    """The provider's own books: the truth about money."""
    dead_letters: dict[str, list[str]] = field(default_factory=dict)
    unpublished: dict[str, int] = field(default_factory=dict)


async def evidence_of(client: ShopClient) -> Evidence:
    shop = client.shop
    async with shop.database("orders") as db:
        orders = {row["id"]: order_row(row) for row in await db.fetch(ORDERS)}
    async with shop.database("orchestrator") as db:
        sagas = {row["order_id"]: row["state"] for row in await db.fetch(SAGAS)}
    async with shop.database("inventory") as db:
        reservations = {
            row["order_id"]: (row["status"], dict(json.loads(row["lines"])))
            for row in await db.fetch(RESERVATIONS)
        }
        stock = {row[0]: StockRow(**dict(list(row.items())[1:])) for row in await db.fetch(STOCK)}
    async with shop.database("payments") as db:
        payments = {row[0]: (row[1], row[2]) for row in await db.fetch(PAYMENTS)}
        ledger = {row[0]: (row[1], row[2]) for row in await db.fetch(LEDGER)}
    return Evidence(
        orders=orders,
        sagas=sagas,
        reservations=reservations,
        stock=stock,
        payments=payments,
        ledger=ledger,
        books=await books_of(client),
        dead_letters=await dead_letters_of(shop),
        unpublished=await unpublished_of(shop),
    )


def order_row(row: Any) -> OrderRow:
    lines = json.loads(row["lines"])
    return OrderRow(
        customer_id=row["customer_id"],
        status=row["status"],
        payment_status=row["payment_status"],
        inventory_status=row["inventory_status"],
        total_cents=row["total_cents"],
        money=(row["captured_cents"], row["refunded_cents"]),
        settled=row["settled"],
        lines={line["product_id"]: line["quantity"] for line in lines},
    )


async def books_of(client: ShopClient) -> dict[int, Money]:
    reply = await client.sandbox.get("/ledger")
    assert reply.status == 200, reply
    return {
        entry["order_id"]: (entry["captured_cents"], entry["refunded_cents"])
        for entry in reply.json
    }


async def dead_letters_of(shop: RunningShop) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for service in SERVICES:
        async with shop.database(service) as db:
            found[service] = [row[0] for row in await db.fetch(BURIED)]
    return found


async def unpublished_of(shop: RunningShop) -> dict[str, int]:
    found: dict[str, int] = {}
    for service in SERVICES:
        async with shop.database(service) as db:
            found[service] = await db.fetchval(UNPUBLISHED)
    return found
