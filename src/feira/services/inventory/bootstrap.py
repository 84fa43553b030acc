"""The parts list of inventory."""

from typing import Final

from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.services.inventory.adapters.postgres.queries import PostgresStockQueries
from feira.services.inventory.adapters.postgres.unit_of_work import units_of_work
from feira.services.inventory.application.adjust_stock import AdjustStock, adjust_stock
from feira.services.inventory.application.announce_levels import (
    AnnounceLevels,
    ContinueAnnouncement,
    announce_levels,
    continue_announcement,
)
from feira.services.inventory.application.count_stock import CountStock, count_stock
from feira.services.inventory.application.expire_reservations import (
    ExpireReservations,
    expire_reservations,
)
from feira.services.inventory.application.ports import StockQueries
from feira.services.inventory.application.preload import preload
from feira.services.inventory.application.receive_stock import ReceiveStock, receive_stock
from feira.services.inventory.application.tell_levels import TellLevels, tell_levels
from feira.services.inventory.application.untold_levels import UntoldLevels
from feira.services.inventory.entrypoints.consumer import LISTENS_TO
from feira.services.inventory.entrypoints.http import routes
from feira.services.inventory.entrypoints.level_teller import tell_changed_levels
from feira.services.inventory.entrypoints.schedule import WHEN_BROKER_LOST, schedules
from feira.services.inventory.settings import InventorySettings

POSTGRES: Final = Storage[StockQueries](units_of_work, PostgresStockQueries)


def build(
    parts: Parts, settings: InventorySettings, storage: Storage[StockQueries] = POSTGRES
) -> Service:
    untold = UntoldLevels()
    service = assemble(
        "inventory",
        parts,
        make_uow=storage.units_of_work(untold),
        use_cases={
            ReceiveStock: receive_stock,
            AdjustStock: adjust_stock,
            CountStock: count_stock,
            ExpireReservations: expire_reservations,
            AnnounceLevels: announce_levels,
            ContinueAnnouncement: continue_announcement,
            TellLevels: tell_levels,
            **LISTENS_TO,
        },
        listens_to=tuple(LISTENS_TO),
        schedules=schedules(settings),
        preload=preload,
        when_broker_lost=WHEN_BROKER_LOST,
    )
    service.tasks.append(lambda: _tell_levels(service, untold, settings))
    queries = storage.queries(service.reader)
    service.app = ServiceShell(
        service="inventory",
        title="Inventory",
        routers=[routes(service.lane, queries), dead_letter_routes(service)],
        verifier=parts.verifier,
        readiness={"inventory": service.ready},
    )
    return service


async def _tell_levels(service: Service, untold: UntoldLevels, settings: InventorySettings) -> None:
    await tell_changed_levels(
        lambda command: service.lane.ask(command, origin=service.started_by("levels")),
        untold,
        every_seconds=settings.levels_seconds,
        levels_max=settings.levels_a_sweep_max,
    )
