"""The parts list of payments."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.chassis.telemetry.metrics import WorkMetrics
from feira.services.payments.adapters.postgres.queries import PostgresPaymentQueries
from feira.services.payments.adapters.postgres.unit_of_work import handing_over_to
from feira.services.payments.adapters.sandbox.link import SandboxLink
from feira.services.payments.adapters.sandbox.provider import SandboxProvider
from feira.services.payments.adapters.sandbox.webhooks import WebhookReader
from feira.services.payments.application.check_payments import CheckPayments, check_payments
from feira.services.payments.application.hear_webhook import hear_webhooks
from feira.services.payments.application.ports import (
    OpenableProvider,
    PaymentQueries,
    WebhookEvents,
)
from feira.services.payments.application.preload import preload
from feira.services.payments.application.record_charge import record_charges
from feira.services.payments.application.record_refund import record_refunds
from feira.services.payments.application.request_refund import RequestRefund, request_refunds
from feira.services.payments.application.retry_refunds import RetryRefunds, retry_refunds
from feira.services.payments.application.tell_refunds import TellRefunds, tell_refunds
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.refund import RefundReport
from feira.services.payments.entrypoints.consumer import LISTENS_TO
from feira.services.payments.entrypoints.http import cold_routes, hot_routes
from feira.services.payments.entrypoints.provider_desk import ProviderDesk
from feira.services.payments.entrypoints.reconciler import Reconciler
from feira.services.payments.settings import PaymentsSettings

NAME: Final = "payments"
USE_CASES: Final[Mapping[type, UseCase[Any]]] = {
    ChargeReport: record_charges,
    RefundReport: record_refunds,
    WebhookEvents: hear_webhooks,
    CheckPayments: check_payments,
    RetryRefunds: retry_refunds,
    RequestRefund: request_refunds,
    TellRefunds: tell_refunds,
    **LISTENS_TO,
}


POSTGRES: Final = Storage[PaymentQueries](handing_over_to, PostgresPaymentQueries)


def build(
    parts: Parts,
    settings: PaymentsSettings,
    storage: Storage[PaymentQueries] = POSTGRES,
    provider: OpenableProvider | None = None,
) -> Service:
    """`provider`: another one than the sandbox, for the simulation."""
    provider = provider or sandbox(settings)
    desk = ProviderDesk(provider)
    service = assemble(
        NAME,
        parts,
        make_uow=storage.units_of_work(desk.take),
        use_cases=USE_CASES,
        listens_to=tuple(LISTENS_TO),
        preload=preload,
        when_broker_lost=(TellRefunds(),),
    )
    queries = storage.queries(service.reader)
    reconciler = Reconciler(
        queries,
        parts.clock,
        WorkMetrics.for_service(NAME),
        every_seconds=settings.reconcile_every_seconds,
    )
    service.tasks.append(partial(attend, service, provider, desk, reconciler))
    service.app = ServiceShell(
        service=NAME,
        title="Payments",
        hot_routes=hot_routes(service.lane, provider),
        routers=[cold_routes(service.lane, queries), dead_letter_routes(service)],
        verifier=parts.verifier,
        readiness={NAME: service.ready},
    )
    return service


def sandbox(settings: PaymentsSettings) -> SandboxProvider:
    link = SandboxLink(
        settings.sandbox_url,
        settings.sandbox_api_key.get_secret_value(),
        timeout_seconds=settings.provider_timeout_seconds,
        connections_max=settings.provider_connections_max,
    )
    return SandboxProvider(link, WebhookReader(settings.sandbox_webhook_secret.get_secret_value()))


async def attend(
    service: Service, provider: OpenableProvider, desk: ProviderDesk, reconciler: Reconciler
) -> None:
    """Call the provider, and look after what has had no answer, until cancelled."""
    origin = partial(service.started_by, "provider")
    async with provider.opened(), asyncio.TaskGroup() as group:
        group.create_task(desk.run(service.lane, origin))
        group.create_task(reconciler.run(service.lane, origin))
