"""What the catalog listens to."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.inventory import StockLevelChanged
from feira.contracts.message import Message
from feira.contracts.orders import ProductsWanted
from feira.services.catalog.application.keep_stock import keep_stock
from feira.services.catalog.application.repeat_products import repeat_products

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    StockLevelChanged: keep_stock,
    ProductsWanted: repeat_products,
}
