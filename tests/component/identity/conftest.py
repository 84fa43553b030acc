"""The identity service as a client meets it: its API in this process, on its own database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feira.chassis.auth.keys import KeyFile, generate_signing_key
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.transports.opening import open_transport
from feira.kernel.clock import ManualClock, SystemClock
from feira.services.identity.application.ports import PasswordHasher
from feira.services.identity.bootstrap import build
from feira.services.identity.settings import IdentitySettings
from tests.asgi import AsgiAnswer, AsgiClient
from tests.postgres import PostgresServer

PASSWORD = "correct horse battery"


class CountingHasher:
    """Hashes that cost nothing, and are counted instead."""

    def __init__(self) -> None:
        self.done = 0

    async def hash(self, password: str) -> str:
        self.done += 1
        return f"{self.done}:{password}"

    async def matches(self, password: str, password_hash: str | None) -> bool:
        self.done += 1
        return password_hash is not None and password_hash.partition(":")[2] == password


@dataclass
class Shop:
    """A running identity service."""

    service: Service
    settings: IdentitySettings
    hasher: CountingHasher
    clock: ManualClock

    @property
    def api(self) -> AsgiClient:
        """Nobody is signed in."""
        return AsgiClient(self.service.app)

    def api_of(self, access_token: str) -> AsgiClient:
        return AsgiClient(self.service.app, access_token)

    async def register(self, email: str = "ana@example.com") -> AsgiAnswer:
        return await self.api.post(
            "/register", {"email": email, "password": PASSWORD, "name": "Ana"}
        )

    async def log_in(self, email: str = "ana@example.com", password: str = PASSWORD) -> AsgiAnswer:
        return await self.api.post("/login", {"email": email, "password": password})

    async def signed_in(self, email: str = "ana@example.com") -> AsgiClient:
        """A new customer's client."""
        assert (await self.register(email)).status == 201
        answer = await self.log_in(email)
        assert answer.status == 200
        return self.api_of(answer.json["access_token"])


@pytest.fixture
async def settings(postgres_server: PostgresServer, tmp_path: Path) -> IdentitySettings:
    private, public = tmp_path / "signing.json", tmp_path / "jwks.json"
    generate_signing_key(private, public)
    return IdentitySettings(
        database_url=await postgres_server.fresh_database("identity"),
        broker_url=f"sim://{tmp_path.name}",
        jwks_file=public,
        signing_key_file=private,
    )


def build_service(
    settings: IdentitySettings, clock: ManualClock, hasher: PasswordHasher | None
) -> Service:
    verifier = TokenVerifier(KeyFile(settings.jwks_file), settings.issuer, settings.audience, clock)
    transport = open_transport(settings.broker_url, partitions=4, member="test")
    return build(
        Parts(PostgresDatabase(settings.database_url), transport, verifier, clock), settings, hasher
    )


async def running(service: Service) -> AsyncIterator[Service]:
    task = asyncio.create_task(service.run())
    yield service
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await service.close()
    outbox: Any = service.relay._outbox
    await outbox.close()  # the server waits for its last connection to end


@pytest.fixture
async def shop(settings: IdentitySettings) -> AsyncIterator[Shop]:
    clock, hasher = ManualClock(SystemClock().now()), CountingHasher()
    async for service in running(build_service(settings, clock, hasher)):
        yield Shop(service, settings, hasher, clock)
