"""The messages that inventory listens to. A product that is removed keeps its stock item."""

from collections.abc import Mapping
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.contracts.catalog import LevelsWanted, ProductChanged
from feira.contracts.flashsale import GiveBackStock, SetAsideStock
from feira.contracts.message import Message
from feira.contracts.orchestrator import ConfirmReservation, ReleaseStock, ReserveStock
from feira.services.inventory.application.confirm_reservation import confirm_reservations
from feira.services.inventory.application.give_back_stock import give_back_stock
from feira.services.inventory.application.open_stock_item import open_stock_items
from feira.services.inventory.application.release_stock import release_stock
from feira.services.inventory.application.repeat_levels import repeat_levels
from feira.services.inventory.application.reserve_stock import reserve_stock
from feira.services.inventory.application.set_aside_stock import set_aside_stock

LISTENS_TO: Final[Mapping[type[Message], UseCase[Any]]] = {
    ProductChanged: open_stock_items,
    ReserveStock: reserve_stock,
    ConfirmReservation: confirm_reservations,
    ReleaseStock: release_stock,
    SetAsideStock: set_aside_stock,
    GiveBackStock: give_back_stock,
    LevelsWanted: repeat_levels,
}
