"""The messages that flash sales listen to."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.inventory import StockGivenBack, StockSetAside
from feira.contracts.message import Message
from feira.contracts.orders import SaleOrderSettled
from feira.services.flashsale.application.follow_allotments import follow_allotments
from feira.services.flashsale.application.settle_claims import settle_claims

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    StockSetAside: follow_allotments,
    StockGivenBack: follow_allotments,
    SaleOrderSettled: settle_claims,
}
