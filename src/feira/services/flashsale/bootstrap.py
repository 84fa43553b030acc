"""The parts list of flashsale."""

from datetime import timedelta
from typing import Final

from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.contracts.flashsale import WORKERS_OF_FLASHSALE
from feira.services.flashsale.adapters.postgres.queries import PostgresFlashSaleQueries
from feira.services.flashsale.adapters.postgres.unit_of_work import units_of_work
from feira.services.flashsale.application.claim_unit import ClaimUnit, claim_units
from feira.services.flashsale.application.end_campaign import EndCampaign, end_campaigns
from feira.services.flashsale.application.ports import FlashSaleQueries
from feira.services.flashsale.application.preload import preload
from feira.services.flashsale.application.say_again import SayAgain, say_again
from feira.services.flashsale.application.start_campaign import StartCampaign, start_campaigns
from feira.services.flashsale.application.turn_drops import TurnDrops, turn_drops
from feira.services.flashsale.entrypoints.admission import EverybodyMayClaim
from feira.services.flashsale.entrypoints.consumer import LISTENS_TO
from feira.services.flashsale.entrypoints.http import admin_routes, hot_routes, reading_routes
from feira.services.flashsale.entrypoints.schedule import WHEN_BROKER_LOST, turn_when_due
from feira.services.flashsale.settings import FlashsaleSettings

POSTGRES: Final = Storage[FlashSaleQueries](units_of_work, PostgresFlashSaleQueries)


def build(
    parts: Parts, settings: FlashsaleSettings, storage: Storage[FlashSaleQueries] = POSTGRES
) -> Service:
    service = assemble(
        "flashsale",
        parts,
        make_uow=storage.units_of_work(timedelta(seconds=settings.prepare_seconds)),
        use_cases={
            StartCampaign: start_campaigns,
            EndCampaign: end_campaigns,
            ClaimUnit: claim_units,
            TurnDrops: turn_drops,
            SayAgain: say_again,
            **LISTENS_TO,
        },
        listens_to=tuple(LISTENS_TO),
        preload=preload,
        when_broker_lost=WHEN_BROKER_LOST,
        workers=WORKERS_OF_FLASHSALE,
    )
    queries = storage.queries(service.reader)
    service.tasks.append(lambda: _turn_when_due(service, queries, settings))
    service.app = ServiceShell(
        service="flashsale",
        title="Flash sales",
        hot_routes=hot_routes(service.lane, EverybodyMayClaim(), parts.clock),
        routers=[
            admin_routes(service.lane, queries, parts.clock, settings.pay_seconds),
            reading_routes(queries),
            dead_letter_routes(service),
        ],
        verifier=parts.verifier,
        readiness={"flashsale": service.ready},
    )
    return service


async def _turn_when_due(
    service: Service, queries: FlashSaleQueries, settings: FlashsaleSettings
) -> None:
    await turn_when_due(
        queries.next_due,
        lambda command: service.lane.ask(command, origin=service.started_by("clock")),
        service.parts.clock,
        every_seconds=settings.clock_seconds_max,
    )
