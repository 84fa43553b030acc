"""The services of a simulated shop: how each is built on memory, and its database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from feira.chassis.database import Storage
from feira.chassis.memory.service_database import asking
from feira.chassis.parts import Parts
from feira.chassis.service import Service
from feira.kernel.clock import Clock
from feira.services.catalog import bootstrap as catalog
from feira.services.catalog.adapters.memory import MemoryCatalog, memory_unit_of_work
from feira.services.catalog.settings import CatalogSettings
from feira.services.flashsale import bootstrap as flashsale
from feira.services.flashsale.adapters.memory import MemoryFlashSales
from feira.services.flashsale.adapters.memory import units_of_work as flashsale_units_of_work
from feira.services.flashsale.settings import FlashsaleSettings
from feira.services.inventory import bootstrap as inventory
from feira.services.inventory.adapters.memory import MemoryInventory
from feira.services.inventory.adapters.memory import units_of_work as inventory_units_of_work
from feira.services.inventory.settings import InventorySettings
from feira.services.orchestrator import bootstrap as orchestrator
from feira.services.orchestrator.adapters.memory import MemorySagas, holding_for
from feira.services.orchestrator.settings import OrchestratorSettings
from feira.services.orders import bootstrap as orders
from feira.services.orders.adapters.memory import MemoryOrders
from feira.services.orders.adapters.memory import units_of_work as orders_units_of_work
from feira.services.orders.settings import OrdersSettings
from feira.services.payments import bootstrap as payments
from feira.services.payments.adapters.memory import MemoryPayments, handing_over_to
from feira.services.payments.settings import PaymentsSettings
from feira.simulation.provider import SimulatedProvider

HOLD_SECONDS: Final = 45
PREPARE_SECONDS: Final = 3
"""Before a drop opens its stock is set aside."""
_COMMON: Final[Mapping[str, Any]] = {
    "database_url": "postgresql://simulated",
    "jwks_file": Path("simulated"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A service: its empty tables, how a process of it is built, and how many there are."""

    tables: Callable[[Clock], Any]
    build: Callable[[SimulatedProvider, Parts], Service]
    processes: int


def _catalog(_provider: SimulatedProvider, parts: Parts) -> Service:
    storage = Storage[Any](lambda: memory_unit_of_work, asking)
    return catalog.build(parts, CatalogSettings(**_COMMON), storage)


def _inventory(_provider: SimulatedProvider, parts: Parts) -> Service:
    storage = Storage[Any](inventory_units_of_work, asking)
    return inventory.build(parts, InventorySettings(**_COMMON, levels_seconds=1.0), storage)


def _orders(_provider: SimulatedProvider, parts: Parts) -> Service:
    return orders.build(
        parts, OrdersSettings(**_COMMON), Storage[Any](orders_units_of_work, asking)
    )


def _orchestrator(_provider: SimulatedProvider, parts: Parts) -> Service:
    settings = OrchestratorSettings(**_COMMON, hold_seconds=HOLD_SECONDS)
    return orchestrator.build(parts, settings, Storage[Any](holding_for, asking))


def _flashsale(_provider: SimulatedProvider, parts: Parts) -> Service:
    settings = FlashsaleSettings(
        **_COMMON,
        prepare_seconds=PREPARE_SECONDS,
        ticket_key=SecretStr("simulated" * 4),
        address_claims_per_second=1_000_000,  # all clients have one address here
        address_claims_at_once=1_000_000,
    )
    return flashsale.build(parts, settings, Storage[Any](flashsale_units_of_work, asking))


def _payments(provider: SimulatedProvider, parts: Parts) -> Service:
    settings = PaymentsSettings(
        **_COMMON,
        sandbox_api_key=SecretStr("simulated-simulated"),
        sandbox_webhook_secret=SecretStr("whsec_c2ltdWxhdGVkLXNpbXVsYXRlZC1zaW11bGF0ZWQ="),
    )
    return payments.build(parts, settings, Storage[Any](handing_over_to, asking), provider)


SERVICES: Final[Mapping[str, Kind]] = {
    "catalog": Kind(lambda _: MemoryCatalog(), _catalog, 1),
    "inventory": Kind(lambda _: MemoryInventory(), _inventory, 2),
    "orders": Kind(lambda _: MemoryOrders(), _orders, 2),
    "orchestrator": Kind(lambda clock: MemorySagas(clock=clock), _orchestrator, 2),
    "flashsale": Kind(lambda _: MemoryFlashSales(), _flashsale, 2),
    "payments": Kind(lambda _: MemoryPayments(), _payments, 2),
}
