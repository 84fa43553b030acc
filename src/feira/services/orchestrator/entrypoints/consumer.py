"""What the orchestrator listens to."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.message import Message
from feira.contracts.orders import OrderCreated
from feira.services.orchestrator.application.advance_purchase import HEARD, advance_purchases
from feira.services.orchestrator.application.start_purchase import start_purchases

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    OrderCreated: start_purchases,
    **dict.fromkeys(HEARD, advance_purchases),
}
