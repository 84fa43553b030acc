"""The parts list of orders."""

from typing import Final

from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.contracts.flashsale import WORKERS_OF_ORDERS
from feira.services.orders.adapters.postgres.queries import PostgresOrderQueries
from feira.services.orders.adapters.postgres.unit_of_work import units_of_work
from feira.services.orders.application.advance_order import AdvanceOrder, advance_orders
from feira.services.orders.application.cancel_order import CancelOrder, cancel_orders
from feira.services.orders.application.place_order import PlaceOrder, place_orders
from feira.services.orders.application.ports import OrderQueries
from feira.services.orders.application.remind_saga import RemindSaga, remind_saga
from feira.services.orders.application.submit_payment import SubmitPayment, submit_payments
from feira.services.orders.entrypoints.consumer import LISTENS_TO
from feira.services.orders.entrypoints.http import cold_routes, hot_routes
from feira.services.orders.entrypoints.promised import PromisedOrders
from feira.services.orders.entrypoints.schedule import SCHEDULES, WHEN_BROKER_LOST
from feira.services.orders.settings import OrdersSettings

POSTGRES: Final = Storage[OrderQueries](units_of_work, PostgresOrderQueries)


def build(
    parts: Parts, _settings: OrdersSettings, storage: Storage[OrderQueries] = POSTGRES
) -> Service:
    service = assemble(
        "orders",
        parts,
        make_uow=storage.units_of_work(),
        use_cases={
            PlaceOrder: place_orders,
            CancelOrder: cancel_orders,
            SubmitPayment: submit_payments,
            AdvanceOrder: advance_orders,
            RemindSaga: remind_saga,
            **LISTENS_TO,
        },
        listens_to=tuple(LISTENS_TO),
        schedules=SCHEDULES,
        when_broker_lost=WHEN_BROKER_LOST,
        workers=WORKERS_OF_ORDERS,
    )
    queries = storage.queries(service.reader)
    service.app = ServiceShell(
        service="orders",
        title="Orders",
        hot_routes=hot_routes(service.lane, queries, PromisedOrders(queries, parts.clock)),
        routers=[cold_routes(service.lane, queries), dead_letter_routes(service)],
        verifier=parts.verifier,
        readiness={"orders": service.ready},
    )
    return service
