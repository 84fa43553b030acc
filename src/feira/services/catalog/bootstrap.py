"""The parts list of the catalog."""

from typing import Final

from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.services.catalog.adapters.postgres.queries import PostgresCatalogQueries
from feira.services.catalog.adapters.postgres.unit_of_work import postgres_unit_of_work
from feira.services.catalog.application.announce_products import (
    AnnounceProducts,
    ContinueAnnouncement,
    announce_products,
    continue_announcement,
)
from feira.services.catalog.application.change_category import ChangeCategory, change_categories
from feira.services.catalog.application.change_product import ChangeProduct, change_products
from feira.services.catalog.application.create_category import CreateCategory, create_categories
from feira.services.catalog.application.create_product import CreateProduct, create_products
from feira.services.catalog.application.ensure_categories import EnsureCategories, ensure_categories
from feira.services.catalog.application.ensure_products import EnsureProducts, ensure_products
from feira.services.catalog.application.ports import CatalogQueries
from feira.services.catalog.application.remove_category import RemoveCategory, remove_categories
from feira.services.catalog.application.remove_product import RemoveProduct, remove_products
from feira.services.catalog.entrypoints.consumer import LISTENS_TO
from feira.services.catalog.entrypoints.http_categories import category_routes
from feira.services.catalog.entrypoints.http_products import hot_product_routes, product_routes
from feira.services.catalog.entrypoints.schedule import WHEN_BROKER_LOST, schedules
from feira.services.catalog.settings import CatalogSettings

POSTGRES: Final = Storage[CatalogQueries](lambda: postgres_unit_of_work, PostgresCatalogQueries)


def build(
    parts: Parts, settings: CatalogSettings, storage: Storage[CatalogQueries] = POSTGRES
) -> Service:
    service = assemble(
        "catalog",
        parts,
        make_uow=storage.units_of_work(),
        use_cases={
            CreateProduct: create_products,
            ChangeProduct: change_products,
            RemoveProduct: remove_products,
            EnsureProducts: ensure_products,
            CreateCategory: create_categories,
            ChangeCategory: change_categories,
            RemoveCategory: remove_categories,
            EnsureCategories: ensure_categories,
            AnnounceProducts: announce_products,
            ContinueAnnouncement: continue_announcement,
            **LISTENS_TO,
        },
        listens_to=tuple(LISTENS_TO),
        schedules=schedules(settings),
        when_broker_lost=WHEN_BROKER_LOST,
    )
    queries = storage.queries(service.reader)
    service.app = ServiceShell(
        service="catalog",
        title="Catalog",
        hot_routes=hot_product_routes(queries),
        routers=[
            product_routes(service.lane),
            category_routes(service.lane, queries),
            dead_letter_routes(service),
        ],
        verifier=parts.verifier,
        readiness={"catalog": service.ready},
    )
    return service
