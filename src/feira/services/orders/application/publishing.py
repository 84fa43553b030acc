"""What orders tells the world: from the order as it stands to its contract."""

from feira.contracts import orders as contracts
from feira.services.orders.domain.order import Order, OrderStatus, Payment


def order_created(order: Order) -> contracts.OrderCreated:
    return contracts.OrderCreated(
        order_id=order.id,
        customer_id=order.customer_id,
        lines=tuple(
            contracts.OrderLine(
                product_id=line.product_id,
                quantity=line.quantity,
                unit_price_cents=line.unit_price_cents,
            )
            for line in order.lines
        ),
        total_cents=order.total_cents,
        payment=_method(order.payment) if order.payment and order.pays_at_once else None,
        allotment_id=order.allotment_id,
        hold_until=order.hold_until,
    )


def payment_submitted(order: Order) -> contracts.OrderPaymentSubmitted:
    assert order.payment is not None
    return contracts.OrderPaymentSubmitted(
        order_id=order.id, attempt=order.payment_attempts, payment=_method(order.payment)
    )


def order_confirmed(order: Order) -> contracts.OrderConfirmed:
    return contracts.OrderConfirmed(
        order_id=order.id, customer_id=order.customer_id, total_cents=order.total_cents
    )


def order_canceled(order: Order) -> contracts.OrderCanceled:
    return contracts.OrderCanceled(
        order_id=order.id, customer_id=order.customer_id, reason=order.reason or ""
    )


def order_shipped(order: Order) -> contracts.OrderShipped:
    return contracts.OrderShipped(
        order_id=order.id, customer_id=order.customer_id, tracking=order.tracking
    )


def order_completed(order: Order) -> contracts.OrderCompleted:
    return contracts.OrderCompleted(order_id=order.id, customer_id=order.customer_id)


def sale_order_settled(order: Order) -> contracts.SaleOrderSettled:
    assert order.allotment_id is not None
    return contracts.SaleOrderSettled(
        order_id=order.id,
        allotment_id=order.allotment_id,
        is_sold=order.status is not OrderStatus.CANCELED,
    )


def _method(payment: Payment) -> contracts.PaymentMethod:
    return contracts.PaymentMethod(method=payment.method, token=payment.token)
