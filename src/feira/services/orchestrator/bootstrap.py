"""The parts list of the orchestrator."""

import asyncio
from datetime import timedelta
from typing import Final

from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.chassis.telemetry.metrics import WorkMetrics
from feira.kernel.errors import Unavailable
from feira.services.orchestrator.adapters.postgres.queries import PostgresSagaQueries
from feira.services.orchestrator.adapters.postgres.unit_of_work import holding_for
from feira.services.orchestrator.application.ports import SagaQueries
from feira.services.orchestrator.application.retry_purchase import RetryPurchase, retry_purchases
from feira.services.orchestrator.application.sweep_purchases import (
    AskAllAgain,
    SweepPurchases,
    ask_all_again,
    sweep_purchases,
)
from feira.services.orchestrator.entrypoints.consumer import LISTENS_TO
from feira.services.orchestrator.entrypoints.http import routes
from feira.services.orchestrator.entrypoints.schedule import (
    METRICS_EVERY_SECONDS,
    SCHEDULES,
    WHEN_BROKER_LOST,
)
from feira.services.orchestrator.settings import OrchestratorSettings

POSTGRES: Final = Storage[SagaQueries](holding_for, PostgresSagaQueries)


def build(
    parts: Parts, settings: OrchestratorSettings, storage: Storage[SagaQueries] = POSTGRES
) -> Service:
    service = assemble(
        "orchestrator",
        parts,
        make_uow=storage.units_of_work(timedelta(seconds=settings.hold_seconds)),
        use_cases={
            SweepPurchases: sweep_purchases,
            AskAllAgain: ask_all_again,
            RetryPurchase: retry_purchases,
            **LISTENS_TO,
        },
        listens_to=tuple(LISTENS_TO),
        schedules=SCHEDULES,
        when_broker_lost=WHEN_BROKER_LOST,
    )
    queries = storage.queries(service.reader)
    service.tasks.append(lambda: measure(queries))
    service.app = ServiceShell(
        service="orchestrator",
        title="Orchestrator",
        routers=[routes(service.lane, queries), dead_letter_routes(service)],
        verifier=parts.verifier,
        readiness={"orchestrator": service.ready},
    )
    return service


async def measure(queries: SagaQueries) -> None:
    """Keep the ages of open sagas in the metrics."""
    metrics = WorkMetrics.for_service("orchestrator")
    seen: set[str] = set()
    while True:
        await asyncio.sleep(METRICS_EVERY_SECONDS)
        try:
            ages = {age.state: age for age in await queries.oldest_open()}
        except Unavailable:
            continue
        seen |= ages.keys()
        for state in seen:
            age = ages.get(state)
            metrics.open_work(state, age.count if age else 0, age.oldest_seconds if age else 0)
