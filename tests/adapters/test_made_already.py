"""What another process has made meanwhile is in the way, in each table, in memory as in SQL.

Its batch is decided again then, on what is there. A unique constraint that is told as a bug instead
would end in the dead letters; one that memory does not have hides what the simulation looks for.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feira.chassis.memory.locks import Locks
from feira.chassis.memory.rows import Writer
from feira.chassis.memory.weather import FAIR
from feira.chassis.postgres.connection import connect
from feira.chassis.store import Contention
from feira.services.catalog.adapters import memory as catalog
from feira.services.catalog.adapters.postgres.categories import PostgresCategoryRows
from feira.services.catalog.adapters.postgres.products import PostgresProductRows
from feira.services.catalog.domain.category import Category
from feira.services.catalog.domain.product import Product
from feira.services.flashsale.adapters import memory as flashsale
from feira.services.flashsale.adapters.postgres.campaigns import PostgresCampaignRows
from feira.services.flashsale.adapters.postgres.claims import PostgresClaimRows
from feira.services.flashsale.adapters.postgres.drops import PostgresDropRows
from feira.services.flashsale.domain.campaign import Campaign
from feira.services.flashsale.domain.claim import Claim, ClaimStatus
from feira.services.flashsale.domain.drop import Drop
from feira.services.inventory.adapters import memory as inventory
from feira.services.inventory.adapters.postgres.allotments import PostgresAllotmentRows
from feira.services.inventory.adapters.postgres.reservations import PostgresReservationRows
from feira.services.inventory.adapters.postgres.stock import PostgresMovementRows, PostgresStockRows
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import tombstone
from feira.services.inventory.domain.stock import Movement, MovementKind, StockItem
from feira.services.orchestrator.adapters import memory as orchestrator
from feira.services.orchestrator.adapters.postgres.sagas import PostgresSagaRows
from feira.services.orders.adapters import memory as orders
from feira.services.orders.adapters.postgres.orders import PostgresOrderRows
from feira.services.orders.domain.order import SaleWish, place_for_sale
from feira.services.payments.adapters import memory as payments
from feira.services.payments.adapters.postgres.payments import PostgresPaymentRows
from feira.services.payments.adapters.postgres.refunds import PostgresRefundRows
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund
from tests.postgres import PostgresServer
from tests.unit.orchestrator.sagas import started

NOW = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

PRODUCT = Product(1, "SKU-1", "A product", 10_00, "", (), b"{}", 0, NOW)
CATEGORY = Category(1, "Shoes")
CAMPAIGN = Campaign(1, 1, 1_00, 10, NOW, LATER, NOW)
DROP = Drop(1, 1, NOW, 1, 1_00, 10, 1, 0, 300, NOW, NOW, LATER)
CLAIM = Claim(1, 1, 7, 1, ClaimStatus.WON, NOW, NOW, 17, won_at=NOW, pay_until=LATER)
WAITING = Claim(1, 2, 8, 1, ClaimStatus.WAITING, NOW, NOW, queue_no=1)
ITEM = StockItem(1, 10)
MOVEMENT = Movement(1, 1, MovementKind.RECEIPT, 10, None, None, NOW)
PAYMENT = Payment(1, 17, 1, 10_00, "card", "tok_visa", NOW)
REFUND = Refund(1, 1, 17, 1, "refund-1", "ch_1", 10_00, "canceled", NOW)
ORDER = place_for_sale(SaleWish(17, 7, 1, 1_00, 1, LATER), NOW)


@dataclass(frozen=True)
class Table:
    """A table of a service, and rows that cannot both be in it."""

    service: str
    sql: Callable[[Any], Any]
    tables: Callable[[], Any]
    memory: Callable[[Any], Any]
    first: Any
    second: Any


TABLES = {
    "products": Table(
        "catalog",
        PostgresProductRows,
        catalog.MemoryCatalog,
        lambda tables: catalog._ProductRows(tables.products),
        PRODUCT,
        replace(PRODUCT, code="SKU-2"),
    ),
    "product codes": Table(
        "catalog",
        PostgresProductRows,
        catalog.MemoryCatalog,
        lambda tables: catalog._ProductRows(tables.products),
        PRODUCT,
        replace(PRODUCT, id=2),
    ),
    "categories": Table(
        "catalog",
        PostgresCategoryRows,
        catalog.MemoryCatalog,
        lambda tables: catalog._CategoryRows(tables.categories_by_id),
        CATEGORY,
        replace(CATEGORY, name="Socks"),
    ),
    "campaigns": Table(
        "flashsale",
        PostgresCampaignRows,
        flashsale.MemoryFlashSales,
        lambda tables: flashsale.MemoryCampaignRows(tables.campaigns),
        CAMPAIGN,
        replace(CAMPAIGN, product_id=2),
    ),
    "drops": Table(
        "flashsale",
        PostgresDropRows,
        flashsale.MemoryFlashSales,
        lambda tables: flashsale.MemoryDropRows(tables.drops),
        DROP,
        replace(DROP, id=2),
    ),
    "claims": Table(
        "flashsale",
        PostgresClaimRows,
        flashsale.MemoryFlashSales,
        lambda tables: flashsale.MemoryClaimRows(tables.claims),
        CLAIM,
        replace(CLAIM, customer_id=8, order_id=18),
    ),
    "claims of a customer": Table(
        "flashsale",
        PostgresClaimRows,
        flashsale.MemoryFlashSales,
        lambda tables: flashsale.MemoryClaimRows(tables.claims),
        CLAIM,
        replace(CLAIM, seq=2, order_id=18),
    ),
    "orders of claims": Table(
        "flashsale",
        PostgresClaimRows,
        flashsale.MemoryFlashSales,
        lambda tables: flashsale.MemoryClaimRows(tables.claims),
        CLAIM,
        replace(CLAIM, seq=2, customer_id=8),
    ),
    "stock": Table(
        "inventory",
        PostgresStockRows,
        inventory.MemoryInventory,
        lambda tables: inventory._StockRows(tables.stock),
        ITEM,
        replace(ITEM, on_hand=5),
    ),
    "reservations": Table(
        "inventory",
        PostgresReservationRows,
        inventory.MemoryInventory,
        lambda tables: inventory._ReservationRows(tables.reservations),
        tombstone(17),
        tombstone(17),
    ),
    "allotments": Table(
        "inventory",
        PostgresAllotmentRows,
        inventory.MemoryInventory,
        lambda tables: inventory._AllotmentRows(tables.allotments),
        Allotment(1, 1, 5, 5, NOW),
        Allotment(1, 1, 3, 3, NOW),
    ),
    "movements": Table(
        "inventory",
        PostgresMovementRows,
        inventory.MemoryInventory,
        lambda tables: inventory._MovementRows(tables.movements_by_id),
        MOVEMENT,
        replace(MOVEMENT, quantity=5),
    ),
    "sagas": Table(
        "orchestrator",
        PostgresSagaRows,
        orchestrator.MemorySagas,
        lambda tables: orchestrator.MemorySagaRows(tables.sagas),
        started(),
        started(),
    ),
    "orders": Table(
        "orders",
        lambda connection: PostgresOrderRows(connection, NOW),
        orders.MemoryOrders,
        lambda tables: orders.MemoryOrderRows(tables, NOW),
        ORDER,
        replace(ORDER, customer_id=8),
    ),
    "attempts to pay": Table(
        "payments",
        PostgresPaymentRows,
        payments.MemoryPayments,
        payments._PaymentRows,
        PAYMENT,
        replace(PAYMENT, id=2),
    ),
    "payments": Table(
        "payments",
        PostgresPaymentRows,
        payments.MemoryPayments,
        payments._PaymentRows,
        PAYMENT,
        replace(PAYMENT, attempt=2),
    ),
    "refunds": Table(
        "payments",
        PostgresRefundRows,
        payments.MemoryPayments,
        lambda tables: payments._RefundRows(tables.refunds),
        REFUND,
        replace(REFUND, key="refund-2"),
    ),
    "keys of refunds": Table(
        "payments",
        PostgresRefundRows,
        payments.MemoryPayments,
        lambda tables: payments._RefundRows(tables.refunds),
        REFUND,
        replace(REFUND, id=2),
    ),
}

tables = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@pytest.fixture(params=["memory", "postgres"])
async def rows(
    request: pytest.FixtureRequest, table: Table, postgres_server: PostgresServer
) -> AsyncIterator[Any]:
    if request.param == "memory":
        writer = Writer(Locks(), FAIR)
        yield table.memory(writer.view(table.tables()))
        return
    connection = await connect(await postgres_server.fresh_database(table.service), "test")
    yield table.sql(connection)
    await connection.close()


@tables
async def test_what_is_there_already_is_in_the_way(table: Table, rows: Any) -> None:
    await rows.insert([table.first])
    with pytest.raises(Contention):
        await rows.insert([table.second])


@pytest.mark.parametrize("table", [TABLES["orders of claims"]])
async def test_an_order_is_of_one_claim_also_of_one_that_has_waited(
    table: Table, rows: Any
) -> None:
    await rows.insert([table.first, WAITING])
    with pytest.raises(Contention):
        await rows.update([table.second])
