"""What orders listens to."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.catalog import ProductChanged, ProductRemoved
from feira.contracts.message import Message
from feira.contracts.orchestrator import CancelOrder, ConfirmOrder, RecordProgress
from feira.services.orders.application.follow_saga import follow_saga
from feira.services.orders.application.keep_prices import keep_prices

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    RecordProgress: follow_saga,
    ConfirmOrder: follow_saga,
    CancelOrder: follow_saga,
    ProductChanged: keep_prices,
    ProductRemoved: keep_prices,
}
