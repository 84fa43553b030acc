"""The catalog as clients meet it: its API in this process, its database, a broker in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.chassis.auth.principal import ADMIN
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.following import follow
from feira.chassis.outbox import Outbox
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Transport
from feira.chassis.work import Origin
from feira.contracts.catalog import ProductChanged
from feira.contracts.message import Message
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from feira.services.catalog.bootstrap import build
from feira.services.catalog.settings import CatalogSettings
from tests.asgi import AsgiClient
from tests.postgres import PostgresServer

T = TypeVar("T")
WAIT_SECONDS_MAX = 60


@dataclass
class Shop:
    """A running catalog, and what it has told the world."""

    service: Service
    broker: Transport
    signer: TokenSigner
    told: list[ProductChanged] = field(default_factory=list)

    @property
    def api(self) -> AsgiClient:
        """Nobody is signed in."""
        return AsgiClient(self.service.app)

    @property
    def admin(self) -> AsgiClient:
        return AsgiClient(self.service.app, self.signer.sign(1, ADMIN, "a-session"))

    @property
    def customer(self) -> AsgiClient:
        return AsgiClient(self.service.app, self.signer.sign(2, "customer", "another-session"))

    async def product(self, **values: Any) -> Any:
        """A new product, as the API answered."""
        body = {"code": "DOLL", "name": "Doll", "price": 10, "stock": 5} | values
        answer = await self.admin.post("/products", body)
        assert answer.status == 201, answer.body
        return answer.json

    async def category(self, name: str, parent_id: int | None = None) -> int:
        answer = await self.admin.post("/categories", {"name": name, "parent_id": parent_id})
        assert answer.status == 201, answer.body
        category_id: int = answer.json["id"]
        return category_id

    async def hear(self, message: Message) -> None:
        """Another service tells something."""
        clock = SystemClock()
        outbox = Outbox("/feira/inventory", self.broker.partitions, Ids(clock), clock.now())
        outbox.speak_for([Origin("a-story")])
        outbox.announce([[message]])
        await self.broker.publish(outbox.envelopes())


async def until(probe: Callable[[], Any]) -> Any:
    """What the probe gives once it gives something true."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := await probe()):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.01)
    return found


@pytest.fixture
async def settings(postgres_server: PostgresServer, tmp_path: Path) -> CatalogSettings:
    generate_signing_key(tmp_path / "signing.json", tmp_path / "jwks.json")
    return CatalogSettings(
        database_url=await postgres_server.fresh_database("catalog"),
        broker_url=f"sim://{tmp_path.name}",
        jwks_file=tmp_path / "jwks.json",
        announcement_seconds=0.05,
    )


@pytest.fixture
async def shop(settings: CatalogSettings, tmp_path: Path) -> AsyncIterator[Shop]:
    clock, issuer, audience = SystemClock(), settings.issuer, settings.audience
    verifier = TokenVerifier(KeyFile(settings.jwks_file), issuer, audience, clock)
    signer = TokenSigner(load_signing_key(tmp_path / "signing.json"), issuer, audience, clock)
    transport, broker = (
        open_transport(settings.broker_url, partitions=4, member=member)
        for member in ("catalog", "others")
    )
    service = build(Parts(PostgresDatabase(settings.database_url), transport, verifier), settings)
    shop = Shop(service, broker, signer)
    tasks = [
        asyncio.create_task(service.run()),
        asyncio.create_task(follow(broker, ProductChanged, shop.told.append, 60)),
    ]
    yield shop
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await asyncio.gather(*tasks, return_exceptions=True)
    await service.close()
    await broker.close()
    outbox: Any = service.relay._outbox
    await outbox.close()  # the server waits for its last connection to end
