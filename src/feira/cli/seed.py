"""`feira seed`: demo logins, products and flash sales. Doing it again changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.postgres.reading import Reader
from feira.chassis.service import Service
from feira.chassis.transports.opening import open_transport
from feira.chassis.work import Origin
from feira.kernel.clock import SystemClock
from feira.kernel.errors import FeiraError, Refused, Unavailable
from feira.runtime import demo_shop
from feira.runtime.environment import service_settings
from feira.runtime.process import verifier_of
from feira.runtime.registry import builder_of
from feira.runtime.shop_settings import ShopSettings
from feira.services.identity.bootstrap import ensure_user
from feira.services.identity.domain.user import Role
from feira.services.orders.adapters.postgres.price_book import PostgresPriceBook

ARRIVAL_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.1
ADMIN_ID: Final = 1
CUSTOMER_ID: Final = 123
"""The customer of the documents' own examples (O2)."""


async def seed() -> None:
    shop = ShopSettings()
    async with _writing("identity") as identity:
        for email, password, name, role, user_id in (
            (shop.admin_email, shop.admin_password, "Admin", Role.ADMIN, ADMIN_ID),
            (
                shop.customer_email,
                shop.customer_password,
                "Cliente de demonstração",
                Role.CUSTOMER,
                CUSTOMER_ID,
            ),
        ):
            await ensure_user(
                identity, email=email, password=password, name=name, role=role, user_id=user_id
            )
    products = demo_shop.products()
    async with _writing("catalog") as catalog:
        await _do(catalog, demo_shop.categories())
        are_new = await _do(catalog, products)
    if are_new:
        await _until_orders_knows([product.id for product in products.products])
    async with _writing("flashsale") as flashsale:
        campaigns = demo_shop.campaigns(SystemClock().now())
        await _do(flashsale, campaigns)
    print(
        f"seeded: 2 logins, {len(products.products)} products,"
        f" {len(campaigns.campaigns)} flash sales"
    )


async def _do(service: Service, command: Any) -> int:
    """How many are new."""
    outcome: int | Refused = await service.lane.ask(command, origin=Origin("seed"))
    if isinstance(outcome, Refused):
        raise FeiraError(f"{type(command).__name__}: {outcome.detail}")
    return outcome


@asynccontextmanager
async def _writing(name: str) -> AsyncIterator[Service]:
    """A service whose lane runs here; what it announces goes out by the running service's relay."""
    settings = service_settings([name])[name]
    transport = open_transport("sim://seed", partitions=settings.partitions, member="seed")
    parts = Parts(PostgresDatabase.of(settings), transport, verifier_of(settings))
    service = builder_of(name)(parts, settings)
    running = asyncio.create_task(service.lane.run())
    try:
        yield service
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await service.close()


async def _until_orders_knows(product_ids: list[int]) -> None:
    """The prices travel by the broker: a shop is open when its first order will be accepted."""
    reader = Reader(service_settings(["orders"])["orders"].database_url, "seed")
    try:
        async with asyncio.timeout(ARRIVAL_SECONDS_MAX):
            while True:
                async with reader.connection() as connection:
                    known = await PostgresPriceBook(connection).prices_cents(product_ids)
                if len(known) == len(product_ids):
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise Unavailable("orders has not heard of the products: is `feira up` running?") from None
    finally:
        await reader.close()
