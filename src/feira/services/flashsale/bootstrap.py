"""The parts list of flashsale."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.event_stream import StreamLimits, Streams
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.contracts.flashsale import WORKERS_OF_FLASHSALE
from feira.services.flashsale.adapters.postgres.crowd_queries import PostgresCrowdQueries
from feira.services.flashsale.adapters.postgres.queries import PostgresFlashSaleQueries
from feira.services.flashsale.adapters.postgres.unit_of_work import units_of_work
from feira.services.flashsale.adapters.tickets import SignedChallenges, SignedTickets
from feira.services.flashsale.application.claim_unit import ClaimUnit, claim_units
from feira.services.flashsale.application.count_crowd import CountCrowd, count_crowd
from feira.services.flashsale.application.crowd_ports import CrowdQueries
from feira.services.flashsale.application.end_campaign import EndCampaign, end_campaigns
from feira.services.flashsale.application.ensure_campaigns import (
    EnsureCampaigns,
    ensure_campaigns,
)
from feira.services.flashsale.application.join_waiting_room import (
    JoinWaitingRoom,
    join_waiting_room,
)
from feira.services.flashsale.application.ports import FlashSaleQueries
from feira.services.flashsale.application.preload import preload
from feira.services.flashsale.application.say_again import SayAgain, say_again
from feira.services.flashsale.application.start_campaign import StartCampaign, start_campaigns
from feira.services.flashsale.application.turn_drops import TurnDrops, turn_drops
from feira.services.flashsale.domain.quota import Quota
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.consumer import LISTENS_TO
from feira.services.flashsale.entrypoints.crowd_counts import CrowdCounts, save_counts
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.front import Front
from feira.services.flashsale.entrypoints.http import admin_routes, hot_routes, reading_routes
from feira.services.flashsale.entrypoints.http_crowd import (
    CrowdParts,
    crowd_hot_routes,
    crowd_routes,
)
from feira.services.flashsale.entrypoints.limits import Limits
from feira.services.flashsale.entrypoints.schedule import WHEN_BROKER_LOST, turn_when_due
from feira.services.flashsale.entrypoints.ticket_admission import TicketAdmission
from feira.services.flashsale.settings import FlashsaleSettings

if TYPE_CHECKING:
    from feira.services.flashsale.adapters.report_page import ReportPage


class Queries(FlashSaleQueries, CrowdQueries, Protocol):
    """All that is read of a database of flash sales."""


class PostgresQueries(PostgresFlashSaleQueries, PostgresCrowdQueries):
    """The same, of PostgreSQL."""


POSTGRES: Final = Storage[Queries](units_of_work, PostgresQueries)


def build(
    parts: Parts, settings: FlashsaleSettings, storage: Storage[Queries] = POSTGRES
) -> Service:
    service = assemble(
        "flashsale",
        parts,
        make_uow=storage.units_of_work(
            timedelta(seconds=settings.prepare_seconds),
            lambda changed: board.wake(changed),  # noqa: PLW0108 - made below
        ),
        use_cases={
            StartCampaign: start_campaigns,
            EndCampaign: end_campaigns,
            EnsureCampaigns: ensure_campaigns,
            ClaimUnit: claim_units,
            TurnDrops: turn_drops,
            SayAgain: say_again,
            JoinWaitingRoom: join_waiting_room,
            CountCrowd: count_crowd,
            **LISTENS_TO,
        },
        listens_to=tuple(LISTENS_TO),
        preload=preload,
        when_broker_lost=WHEN_BROKER_LOST,
        workers=WORKERS_OF_FLASHSALE,
    )
    queries = storage.queries(service.reader)
    metrics = CrowdMetrics()
    board: Board = Board(queries, parts.clock, metrics, parts.monotonic)
    counts = CrowdCounts(metrics)
    crowd = _crowd(service, settings, board, queries, metrics)
    admission = TicketAdmission(board, crowd.tickets)
    service.tasks += [
        lambda: _turn_when_due(service, queries, settings),
        board.run,
        lambda: _save_counts(service, counts, settings),
    ]
    shell = ServiceShell(
        service="flashsale",
        title="Flash sales",
        hot_routes=[
            *hot_routes(service.lane, admission, parts.clock),
            *crowd_hot_routes(crowd),
        ],
        routers=[
            crowd_routes(crowd),
            admin_routes(service.lane, queries, parts.clock, settings.pay_seconds),
            reading_routes(queries),
            dead_letter_routes(service),
        ],
        verifier=parts.verifier,
        readiness={"flashsale": service.ready},
    )
    service.app = Front(
        shell,
        board,
        parts.verifier,
        counts,
        metrics,
        of_address=Limits(
            Quota("addresses", settings.address_claims_per_second, settings.address_claims_at_once)
        ),
        of_account=Limits(
            Quota("accounts", settings.account_claims_per_second, settings.account_claims_at_once)
        ),
        monotonic=parts.monotonic,
    )
    return service


def _crowd(
    service: Service,
    settings: FlashsaleSettings,
    board: Board,
    queries: Queries,
    metrics: CrowdMetrics,
) -> CrowdParts:
    key = settings.ticket_key.get_secret_value()
    limits = StreamLimits(settings.streams_max, settings.streams_an_address_max)
    return CrowdParts(
        lane=service.lane,
        board=board,
        queries=queries,
        tickets=SignedTickets(key),
        challenges=SignedChallenges(key),
        streams=Streams(limits, service.stopping, metrics.streams),
        clock=service.parts.clock,
        render=lambda report: report_page().render(report),
        ticket_seconds=settings.ticket_seconds,
    )


@cache
def report_page() -> "ReportPage":
    """Made when somebody asks for it: a process that shows no report carries no templates."""
    from feira.services.flashsale.adapters.report_page import ReportPage

    return ReportPage()


async def _save_counts(service: Service, counts: CrowdCounts, settings: FlashsaleSettings) -> None:
    await save_counts(
        lambda command: service.lane.ask(command, origin=service.started_by("counts")),
        counts,
        every_seconds=settings.counts_saved_seconds,
    )


async def _turn_when_due(
    service: Service, queries: FlashSaleQueries, settings: FlashsaleSettings
) -> None:
    await turn_when_due(
        queries.next_due,
        lambda command: service.lane.ask(command, origin=service.started_by("clock")),
        service.parts.clock,
        every_seconds=settings.clock_seconds_max,
    )
