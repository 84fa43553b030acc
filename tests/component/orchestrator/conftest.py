"""The orchestrator as administrators and the other services meet it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feira.chassis.parts import Parts
from feira.chassis.service import Service
from feira.contracts import orchestrator
from feira.services.orchestrator.bootstrap import build
from feira.services.orchestrator.settings import OrchestratorSettings
from tests.component.running import Running, running
from tests.postgres import PostgresServer

TOLD = (
    orchestrator.ReserveStock,
    orchestrator.ConfirmReservation,
    orchestrator.ReleaseStock,
    orchestrator.RequestPayment,
    orchestrator.CancelPayment,
    orchestrator.ConfirmOrder,
    orchestrator.CancelOrder,
    orchestrator.RecordProgress,
    orchestrator.SagaFinished,
)


@pytest.fixture
async def shop(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Running]:
    dsn = await postgres_server.fresh_database("orchestrator")

    def build_orchestrator(parts: Parts, public: Path) -> Service:
        return build(parts, OrchestratorSettings(database_url=dsn, jwks_file=public))

    async with running(build_orchestrator, dsn, tmp_path, TOLD) as shop:
        yield shop
