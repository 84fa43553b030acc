"""What orders listens to."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.catalog import ProductChanged, ProductRemoved
from feira.contracts.flashsale import OrdersRequested
from feira.contracts.message import Message
from feira.contracts.orchestrator import CancelOrder, ConfirmOrder, RecordProgress
from feira.contracts.payments import PaymentRefunded
from feira.services.orders.application.follow_saga import follow_saga
from feira.services.orders.application.keep_prices import keep_prices
from feira.services.orders.application.place_sale_orders import place_sale_orders
from feira.services.orders.application.show_refund import show_refunds

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    RecordProgress: follow_saga,
    ConfirmOrder: follow_saga,
    CancelOrder: follow_saga,
    PaymentRefunded: show_refunds,
    ProductChanged: keep_prices,
    ProductRemoved: keep_prices,
    OrdersRequested: place_sale_orders,
}
