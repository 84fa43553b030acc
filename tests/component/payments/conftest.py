"""The payments service as others meet it: its broker, its HTTP, its database, a real sandbox."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from standardwebhooks import Webhook

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.chassis.auth.principal import ADMIN
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.consumer import Translator
from feira.chassis.http.server import HttpServer
from feira.chassis.outbox import Outbox
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Subscription, Transport
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.contracts.payments import (
    PaymentCanceled,
    PaymentConfirmed,
    PaymentFailed,
    PaymentRefunded,
)
from feira.embedded.ports import free_port
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from feira.services.payments.bootstrap import build
from feira.services.payments.settings import PaymentsSettings
from tests.adapters.sandbox_world import (
    API_KEY,
    SECRET,
    SandboxClient,
    SandboxProcess,
    sandbox_process,
)
from tests.asgi import AsgiClient
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.postgres import PostgresServer

PARTITIONS = 2
TOLD = (PaymentConfirmed, PaymentFailed, PaymentCanceled, PaymentRefunded)
PROVIDER_TIMEOUT_SECONDS = 0.6


class ShiftedClock:
    """The machine's clock, ahead by as much as a story has skipped."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def skip(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass
class Place:
    """What outlives a process of the service: addresses, keys, the broker, the clock."""

    folder: Path
    dsn: str
    port: int
    broker_url: str
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    def __post_init__(self) -> None:
        generate_signing_key(self.folder / "private.json", self.public_keys)
        self.verifier = TokenVerifier(KeyFile(self.public_keys), "feira", "feira", SystemClock())

    @property
    def public_keys(self) -> Path:
        return self.folder / "public.json"

    @property
    def webhooks(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/sandbox"

    def client(self, service: Service, role: str | None) -> AsgiClient:
        if role is None:
            return AsgiClient(service.app)
        key = load_signing_key(self.folder / "private.json")
        signer = TokenSigner(key, "feira", "feira", SystemClock())
        return AsgiClient(service.app, signer.sign(4, role, f"session-{role}"))

    @asynccontextmanager
    async def service(self, sandbox_url: str) -> AsyncIterator[Service]:
        """A process of the service, until it is killed at the end of the block."""
        settings = PaymentsSettings(
            database_url=self.dsn,
            jwks_file=self.public_keys,
            sandbox_url=sandbox_url,
            sandbox_api_key=API_KEY,
            sandbox_webhook_secret=SECRET,
            provider_timeout_seconds=PROVIDER_TIMEOUT_SECONDS,
            reconcile_every_seconds=0.1,
        )
        transport = open_transport(self.broker_url, partitions=PARTITIONS, member="payments")
        service = build(
            Parts(PostgresDatabase(self.dsn), transport, self.verifier, self.clock), settings
        )
        server = HttpServer(service.app, f"127.0.0.1:{self.port}")
        await server.start()
        running = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            await server.stop()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await service.close()


@dataclass
class Saga:
    """Who asks for payments and hears of them, over the broker."""

    broker: Transport
    subscription: Subscription
    heard: list[Message] = field(default_factory=list)
    stories: list[str] = field(default_factory=list)
    """The correlation id of each message heard."""

    async def say(self, *messages: Message) -> None:
        clock = SystemClock()
        outbox = Outbox("/feira/orchestrator", PARTITIONS, Ids(clock), clock.now())
        outbox.speak_for([Origin("a-story")])
        outbox.tell(messages)
        await self.broker.publish(outbox.envelopes())

    async def listen(self) -> None:
        translator = Translator(TOLD)
        while True:
            for delivery in await self.subscription.receive():
                messages, origins, _ = translator.read(delivery.envelope.body)
                self.stories += [origin.correlation_id for origin in origins]
                self.heard += messages

    def about(self, order_id: int) -> list[Message]:
        return [message for message in self.heard if message.key == str(order_id)]

    async def hears(self, message: Message, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        await until(lambda: message in self.heard, f"{message} in {self.heard}", timeout_seconds)


@dataclass
class Shop:
    """A running service with everything around it."""

    place: Place
    service: Service
    sandbox: SandboxClient
    saga: Saga
    database: asyncpg.Pool

    @property
    def admin(self) -> AsgiClient:
        return self.place.client(self.service, ADMIN)

    @property
    def customer(self) -> AsgiClient:
        return self.place.client(self.service, "customer")

    @property
    def nobody(self) -> AsgiClient:
        return self.place.client(self.service, None)

    async def payment(self, order_id: int) -> dict[str, Any]:
        """The last attempt of an order, as an administrator sees it."""
        answer = await self.admin.get(f"/payments?order_id={order_id}")
        assert answer.status == 200, answer.body
        payments: list[dict[str, Any]] = answer.json["items"]
        assert payments, f"order {order_id} has no payment"
        return payments[-1]

    async def is_in(
        self, order_id: int, status: str, timeout_seconds: float = PATIENCE_SECONDS
    ) -> None:
        async def probe() -> bool:
            payment = await self.payment(order_id)
            assert payment["status"] == status, payment
            return True

        await eventually(probe, timeout_seconds)

    async def send_webhook(self, body: bytes, **changed: str) -> int:
        """Sign a body as the provider does, send it, and return the answer's status."""
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("msg_1", now, body.decode()),
        }
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.place.webhooks, data=body, headers=headers) as answer,
        ):
            return answer.status

    async def check_books(self) -> None:
        """Money in = captured − refunded: in the payments, in the ledger, at the provider."""
        drifted = await self.database.fetch("""
            SELECT payment.id, captured_cents, refunded_cents, booked.cents FROM payment LEFT JOIN (
                SELECT payment_id, sum(CASE debit_account WHEN 'provider' THEN amount_cents
                                                          ELSE -amount_cents END) AS cents
                FROM ledger_entry GROUP BY payment_id
            ) AS booked ON booked.payment_id = payment.id
            WHERE captured_cents - refunded_cents <> coalesce(booked.cents, 0)
        """)
        assert drifted == []
        ours = await self.database.fetch("""
            SELECT order_id, sum(captured_cents)::bigint, sum(refunded_cents)::bigint FROM payment
            WHERE captured_cents > 0 GROUP BY order_id ORDER BY order_id
        """)
        theirs = await self.sandbox.get("/ledger")
        assert [tuple(row) for row in ours] == [
            (entry["order_id"], entry["captured_cents"], entry["refunded_cents"])
            for entry in sorted(theirs, key=lambda entry: int(entry["order_id"]))
        ]


async def until(
    probe: Callable[[], bool], what: str = "", timeout_seconds: float = PATIENCE_SECONDS
) -> None:
    async def ask() -> bool:
        return probe()

    await eventually(ask, timeout_seconds, what)


@pytest.fixture
async def place(postgres_server: PostgresServer, tmp_path: Path) -> Place:
    dsn = await postgres_server.fresh_database("payments")
    return Place(tmp_path, dsn, free_port(), f"sim://{tmp_path.name}")


@asynccontextmanager
async def sandbox_of(place: Place, **settings: str) -> AsyncIterator[SandboxProcess]:
    """The provider, as a process of its own, with the service's webhook address."""
    quick = {"slow_seconds": "0.3", "hang_seconds": "5", "timeout_webhook_delay_seconds": "60"}
    webhooks = {"webhook_url": place.webhooks, "webhook_secret": SECRET}
    async with sandbox_process(place.folder / "sandbox", None, **quick | webhooks | settings) as it:
        yield it


@pytest.fixture
async def sandbox(place: Place) -> AsyncIterator[SandboxProcess]:
    async with sandbox_of(place) as process:
        yield process


@pytest.fixture
async def saga(place: Place) -> AsyncIterator[Saga]:
    broker = open_transport(place.broker_url, partitions=PARTITIONS, member="orchestrator")
    topics = sorted({kind.TOPIC for kind in TOLD})
    saga = Saga(broker, await broker.subscribe("orchestrator", topics))
    listening = asyncio.create_task(saga.listen())
    yield saga
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await broker.close()


@pytest.fixture
async def database(place: Place) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(place.dsn, min_size=0, max_size=2) as pool:
        yield pool


def url_of(sandbox: SandboxProcess) -> str:
    return str(sandbox.client.session._base_url).rstrip("/")


@pytest.fixture
async def shop(
    place: Place, sandbox: SandboxProcess, saga: Saga, database: asyncpg.Pool
) -> AsyncIterator[Shop]:
    async with place.service(url_of(sandbox)) as service:
        yield Shop(place, service, sandbox.client, saga, database)
