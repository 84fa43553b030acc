"""Between an order and its row."""

from typing import Any, Final

import msgspec

from feira.services.orders.domain.order import (
    InventoryStatus,
    Line,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
)

ORDER_COLUMNS: Final = """
id, customer_id, lines, total_cents, delivery, created_at, status, payment, payment_attempts,
pays_at_once, payment_status, inventory_status, captured_cents, refunded_cents, step, settled,
reason, tracking, version, allotment_id, hold_until
"""

_encode: Final = msgspec.json.Encoder().encode
_lines: Final = msgspec.json.Decoder(tuple[Line, ...])
_payment: Final = msgspec.json.Decoder(Payment)


def order_from(row: Any) -> Order:
    return Order(
        id=row[0],
        customer_id=row[1],
        lines=_lines.decode(row[2]),
        total_cents=row[3],
        delivery=row[4].encode() if row[4] else None,
        created_at=row[5],
        status=OrderStatus(row[6]),
        payment=_payment.decode(row[7]) if row[7] else None,
        payment_attempts=row[8],
        pays_at_once=row[9],
        payment_status=PaymentStatus(row[10]),
        inventory_status=InventoryStatus(row[11]),
        captured_cents=row[12],
        refunded_cents=row[13],
        step=row[14],
        settled=row[15],
        reason=row[16],
        tracking=row[17],
        version=row[18],
        allotment_id=row[19],
        hold_until=row[20],
    )


def inserted(order: Order) -> tuple[Any, ...]:
    """The columns of INSERT: what never changes, then what `updated` gives."""
    return (
        order.customer_id,
        _encode(order.lines).decode(),
        order.total_cents,
        order.delivery.decode() if order.delivery else None,
        order.created_at,
        order.pays_at_once,
        order.allotment_id,
        order.hold_until,
        *updated(order),
    )


def updated(order: Order) -> tuple[Any, ...]:
    """The columns of UPDATE, the id first."""
    return (
        order.id,
        order.status,
        _encode(order.payment).decode() if order.payment else None,
        order.payment_attempts,
        order.payment_status,
        order.inventory_status,
        order.captured_cents,
        order.refunded_cents,
        order.step,
        order.settled,
        order.reason,
        order.tracking,
        order.version,
    )
