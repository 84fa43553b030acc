"""The evidence of a real shop: the services' databases, the provider's books, the history."""

import json
import re
from typing import Any, Final

from feira.audit.evidence import (
    AllotmentRow,
    ClaimRow,
    DeadLetter,
    DropRow,
    Evidence,
    LedgerRow,
    Money,
    MovementRow,
    OrderRow,
    PaymentRow,
    RefundRow,
    ReservationRow,
    SagaRow,
    StockRow,
    TimelineEntry,
)
from feira.runtime.registry import SERVICES
from feira.torture.callers import ShopClient
from feira.torture.running_shop import RunningShop

Row = Any
"""A record of asyncpg: its stubs make it no Mapping."""

ORDERS: Final = """
SELECT id, customer_id, status, payment_status, inventory_status, total_cents, captured_cents,
       refunded_cents, settled, lines, payment_attempts, allotment_id FROM orders
"""
SAGAS: Final = "SELECT order_id, open, progress FROM saga"
RESERVATIONS: Final = """
SELECT order_id, status, lines, confirmed_at IS NOT NULL AS was_sold, allotment_id FROM reservation
"""
STOCK: Final = "SELECT product_id, on_hand, reserved, allotted FROM stock_item"
ALLOTMENTS: Final = """
SELECT id, product_id, units, units_left AS left, given_back, closed_at IS NULL AS is_open
FROM allotment
"""
DROPS: Final = """
SELECT id, status, units, per_customer, set_aside, held, sold, given_back FROM sale_drop
"""
CLAIMS: Final = "SELECT drop_id, customer_id, status, order_id FROM claim"
MOVEMENTS: Final = "SELECT product_id, kind, quantity, reason, reference FROM movement"
PAYMENTS: Final = """
SELECT order_id, attempt, state, captured_cents, refunded_cents, refunding_cents FROM payment
"""
REFUNDS: Final = "SELECT order_id, amount_cents, state, reason FROM refund"
LEDGER: Final = """
SELECT payment.order_id, entry.kind, entry.amount_cents
FROM ledger_entry AS entry JOIN payment ON payment.id = entry.payment_id
"""
BURIED: Final = "SELECT type, error, body FROM dead_letter"
UNPUBLISHED: Final = "SELECT count(*) FROM outbox"
STATE_AT: Final = 0
TIMELINE_AT: Final = 13
ONE_INSTANT: Final = "repeatable_read"

PLANTED: Final = re.compile(r"torture-plant-\d+")
"""The name of what was put among the messages to be buried."""


async def gather(client: ShopClient) -> Evidence:
    """Effects before their causes: the provider's books first, the orders last.

    Each database is read at one instant.
    """
    shop = client.shop
    evidence = Evidence(books=await _books(client))
    await _payments(shop, evidence)
    await _inventory(shop, evidence)
    async with shop.database("orchestrator") as db:
        evidence.sagas = {row["order_id"]: _saga(row) for row in await db.fetch(SAGAS)}
    await _flash_sales(shop, evidence)
    async with shop.database("orders") as db:
        evidence.orders = {row["id"]: _order(row) for row in await db.fetch(ORDERS)}
    await _messages(shop, evidence)
    evidence.history = None if client.history is None else list(client.history)
    return evidence


async def plants_buried(shop: RunningShop) -> set[str]:
    """The plants among the dead letters of all services."""
    found: set[str] = set()
    for service in SERVICES:
        async with shop.database(service) as db:
            letters = [_letter(service, row) for row in await db.fetch(BURIED)]
        found |= {letter.plant for letter in letters if letter.plant}
    return found


async def _books(client: ShopClient) -> dict[int, Money]:
    reply = await client.sandbox.get("/ledger")
    assert reply.status == 200, reply
    return {
        entry["order_id"]: Money(entry["captured_cents"], entry["refunded_cents"])
        for entry in reply.json
    }


async def _payments(shop: RunningShop, evidence: Evidence) -> None:
    async with (
        shop.database("payments") as db,
        db.transaction(isolation=ONE_INSTANT, readonly=True),
    ):
        evidence.payments = [_payment(row) for row in await db.fetch(PAYMENTS)]
        evidence.refunds = [RefundRow(**dict(row)) for row in await db.fetch(REFUNDS)]
        evidence.ledger = [LedgerRow(**dict(row)) for row in await db.fetch(LEDGER)]


async def _inventory(shop: RunningShop, evidence: Evidence) -> None:
    async with (
        shop.database("inventory") as db,
        db.transaction(isolation=ONE_INSTANT, readonly=True),
    ):
        reservations = [_reservation(row) for row in await db.fetch(RESERVATIONS)]
        evidence.reservations = {row.order_id: row for row in reservations}
        stock = [StockRow(**dict(row)) for row in await db.fetch(STOCK)]
        evidence.stock = {row.product_id: row for row in stock}
        allotments = [AllotmentRow(**dict(row)) for row in await db.fetch(ALLOTMENTS)]
        evidence.allotments = {row.id: row for row in allotments}
        evidence.movements = [MovementRow(**dict(row)) for row in await db.fetch(MOVEMENTS)]


async def _flash_sales(shop: RunningShop, evidence: Evidence) -> None:
    async with (
        shop.database("flashsale") as db,
        db.transaction(isolation=ONE_INSTANT, readonly=True),
    ):
        drops = [DropRow(**dict(row)) for row in await db.fetch(DROPS)]
        evidence.drops = {row.id: row for row in drops}
        evidence.claims = [ClaimRow(**dict(row)) for row in await db.fetch(CLAIMS)]


async def _messages(shop: RunningShop, evidence: Evidence) -> None:
    for service in SERVICES:
        async with shop.database(service) as db:
            evidence.unpublished[service] = await db.fetchval(UNPUBLISHED)
            buried = await db.fetch(BURIED)
            evidence.dead_letters.extend(_letter(service, row) for row in buried)


def _order(row: Row) -> OrderRow:
    lines = json.loads(row["lines"])
    return OrderRow(
        id=row["id"],
        customer_id=row["customer_id"],
        status=row["status"],
        payment_status=row["payment_status"],
        inventory_status=row["inventory_status"],
        lines={line["product_id"]: line["quantity"] for line in lines},
        total_cents=row["total_cents"],
        lines_cents=sum(line["quantity"] * line["unit_price_cents"] for line in lines),
        money=Money(row["captured_cents"], row["refunded_cents"]),
        settled=row["settled"],
        payment_attempts=row["payment_attempts"],
        drop_id=row["allotment_id"],
    )


def _saga(row: Row) -> SagaRow:
    """`progress` is an array, whose fields keep their places."""
    progress = json.loads(row["progress"])
    return SagaRow(
        order_id=row["order_id"],
        state=progress[STATE_AT],
        is_open=row["open"],
        timeline=[TimelineEntry(*entry) for entry in progress[TIMELINE_AT]],
    )


def _reservation(row: Row) -> ReservationRow:
    return ReservationRow(
        order_id=row["order_id"],
        status=row["status"],
        lines=dict(json.loads(row["lines"])),
        was_sold=row["was_sold"],
        drop_id=row["allotment_id"],
    )


def _payment(row: Row) -> PaymentRow:
    return PaymentRow(
        order_id=row["order_id"],
        attempt=row["attempt"],
        state=row["state"],
        money=Money(row["captured_cents"], row["refunded_cents"]),
        refunding_cents=row["refunding_cents"],
    )


def _letter(service: str, row: Row) -> DeadLetter:
    body = row["body"].decode(errors="replace")
    plant = PLANTED.search(body)
    what = f"{row['type']}: {row['error']}"
    return DeadLetter(service=service, what=what, plant=plant[0] if plant else None)
