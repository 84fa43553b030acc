"""A service that runs: its lane, relay and consumer, on its own database and a simulated broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.chassis.auth.principal import ADMIN
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.consumer import Translator
from feira.chassis.outbox import Outbox
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Subscription, Transport
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from tests.asgi import AsgiClient

PARTITIONS = 2
PROBE_TIMEOUT_SECONDS = 60

Build = Callable[[Parts, Path], Service]
"""From the parts and the file of public keys."""


@dataclass
class Running:
    """The service, those who ask it, and the broker between it and the others."""

    service: Service
    dsn: str
    signer: TokenSigner
    broker: Transport
    heard: Subscription
    kinds: Sequence[type[Message]]

    @property
    def nobody(self) -> AsgiClient:
        return AsgiClient(self.service.app)

    @property
    def admin(self) -> AsgiClient:
        return AsgiClient(self.service.app, self.signer.sign(4, ADMIN, "session-admin"))

    def customer(self, user_id: int = 7) -> AsgiClient:
        token = self.signer.sign(user_id, "customer", f"session-{user_id}")
        return AsgiClient(self.service.app, token)

    async def say(self, *messages: Message) -> None:
        """What other services publish."""
        clock = SystemClock()
        outbox = Outbox("/feira/others", PARTITIONS, Ids(clock), clock.now())
        outbox.speak_for([Origin("a-story")])
        outbox.tell(messages)
        await self.broker.publish(outbox.envelopes())

    async def hear(self, count: int) -> list[Message]:
        """The next messages that the service publishes, at least `count` of them."""
        translator = Translator(self.kinds)
        messages: list[Message] = []
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            while len(messages) < count:
                for delivery in await self.heard.receive():
                    messages += translator.read(delivery.envelope.body)[0]
        return messages


@asynccontextmanager
async def running(
    build: Build, dsn: str, folder: Path, kinds: Sequence[type[Message]]
) -> AsyncIterator[Running]:
    """`kinds` are the messages to listen to."""
    private, public = folder / "private.json", folder / "public.json"
    generate_signing_key(private, public)
    clock, url = SystemClock(), f"sim://{folder.name}"
    transport = open_transport(url, partitions=PARTITIONS, member="service")
    verifier = TokenVerifier(KeyFile(public), "feira", "feira", clock)
    service = build(Parts(PostgresDatabase(dsn), transport, verifier), public)
    others = open_transport(url, partitions=PARTITIONS, member="others")
    heard = await others.subscribe("others", sorted({kind.TOPIC for kind in kinds}))
    signer = TokenSigner(load_signing_key(private), "feira", "feira", clock)
    task = asyncio.create_task(service.run())
    yield Running(service, dsn, signer, others, heard, kinds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await service.close()
    await others.close()


def codes(answers: Sequence[Any]) -> list[tuple[int, str]]:
    return [(answer.status, answer.code) for answer in answers]
