"""What payments listens to."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.message import Message
from feira.contracts.orchestrator import CancelPayment, RequestPayment
from feira.services.payments.application.cancel_payment import cancel_payments
from feira.services.payments.application.request_payment import request_payments

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    RequestPayment: request_payments,
    CancelPayment: cancel_payments,
}
