"""A payment sandbox to test against: in this process or in one of its own, and a receiver of its
webhooks. Everything listens on free ports of the loopback and ends with its `async with`."""

import asyncio
import base64
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from msgspec import json
from standardwebhooks import Webhook

from feira.embedded.ports import free_port
from feira.kernel.clock import SystemClock
from feira.sandbox.process import assemble, serve
from feira.sandbox.settings import SandboxSettings

API_KEY = "sandbox-key-for-tests"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PROBE_SECONDS = 0.01


async def eventually(
    probe: Callable[[], bool | Awaitable[bool]], timeout_seconds: float = 60
) -> None:
    """Wait until `probe` is true. Raises `TimeoutError`."""
    async with asyncio.timeout(timeout_seconds):
        while not await answer_of(probe()):  # noqa: ASYNC110 - what is probed has no event
            await asyncio.sleep(PROBE_SECONDS)


async def answer_of(probed: bool | Awaitable[bool]) -> bool:
    return probed if isinstance(probed, bool) else await probed


def charge_json(key: str, token: str = "tok_visa", **values: Any) -> dict[str, Any]:
    asked = {
        "idempotency_key": key,
        "order_id": 41,
        "amount_cents": 10_00,
        "currency": "BRL",
        "token": token,
    }
    return asked | values


# ---------------------------------------------------------------- webhooks


@dataclass(frozen=True, slots=True)
class Delivery:
    webhook_id: str
    events: list[dict[str, Any]]


@dataclass(slots=True)
class WebhookReceiver:
    """Keeps what it was sent. `refusals` are the statuses it answers first, one a request."""

    url: str = ""
    refusals: list[int] = field(default_factory=list)
    refused: list[Delivery] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for delivery in self.deliveries for event in delivery.events]

    def events_of(self, key: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["data"]["idempotency_key"] == key]

    async def receive(self, request: web.Request) -> web.Response:
        """A wrong signature raises, is answered 500, and the delivery is never seen."""
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers), json_parse=False)
        delivery = Delivery(request.headers["webhook-id"], json.decode(body)["events"])
        if self.refusals:
            self.refused.append(delivery)
            return web.Response(status=self.refusals.pop(0))
        self.deliveries.append(delivery)
        return web.Response(status=204)


@asynccontextmanager
async def receiving_webhooks(*refusals: int) -> AsyncIterator[WebhookReceiver]:
    receiver = WebhookReceiver(refusals=list(refusals))
    app = web.Application()
    app.router.add_post("/webhooks/sandbox", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        receiver.url = f"http://127.0.0.1:{port}/webhooks/sandbox"
        yield receiver
    finally:
        await runner.cleanup()


# ---------------------------------------------------------------- the sandbox


class SandboxClient:
    """Calls the API, with the key."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.post(path, json=body) as answer:
            return answer.status, json.decode(await answer.read())

    async def get(self, path: str) -> Any:
        async with self.session.get(path) as answer:
            assert answer.status == 200
            return json.decode(await answer.read())

    async def charge_batch(self, *charges: dict[str, Any]) -> list[dict[str, Any]]:
        """All lines of the answer, once it has ended."""
        async with self.session.post("/v1/charges/batch", json={"charges": charges}) as answer:
            assert answer.status == 200
            return json.Decoder().decode_lines(await answer.read())

    async def query(self, *keys: str) -> dict[str, dict[str, Any]]:
        """The known charges by their idempotency key."""
        status, answer = await self.post("/v1/charges/query", {"idempotency_keys": keys})
        assert status == 200
        return {charge["idempotency_key"]: charge for charge in answer["charges"]}

    async def knows(self, key: str) -> bool:
        return key in await self.query(key)

    async def control(self, **controls: Any) -> None:
        status, _ = await self.post("/control", controls)
        assert status == 200


def client_session(port: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        f"http://127.0.0.1:{port}",
        headers={"authorization": f"Bearer {API_KEY}"},
        timeout=aiohttp.ClientTimeout(total=20),
    )


def loopback_socket() -> socket.socket:
    """A socket on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def sandbox_here(
    data_dir: Path, receiver: WebhookReceiver | None = None, **settings: Any
) -> AsyncIterator[SandboxClient]:
    """A sandbox in this process. Times are short unless `settings` say otherwise."""
    quick = {
        "slow_seconds": 0.3,
        "hang_seconds": 0.6,
        "timeout_webhook_delay_seconds": 0.5,
        "webhook_retry_delays_seconds": (0.02, 0.04),
    }
    given = SandboxSettings.model_validate(
        quick | {"data_dir": data_dir, "api_key": API_KEY} | webhook_settings(receiver) | settings
    )
    listener = loopback_socket()
    sandbox = assemble(given, SystemClock())
    serving = asyncio.create_task(serve(sandbox, [listener]))
    try:
        await eventually(lambda: sandbox.server.started or serving.done())
        async with client_session(listener.getsockname()[1]) as session:
            yield SandboxClient(session)
    finally:
        sandbox.server.should_exit = True
        await serving
        listener.close()


def webhook_settings(receiver: WebhookReceiver | None) -> dict[str, str]:
    return {"webhook_url": receiver.url, "webhook_secret": SECRET} if receiver else {}


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    process: asyncio.subprocess.Process
    client: SandboxClient

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def sandbox_process(
    data_dir: Path, receiver: WebhookReceiver | None = None, **settings: str
) -> AsyncIterator[SandboxProcess]:
    """`python -m feira.sandbox`, ready; killed at the end if it still runs."""
    port = free_port()
    values = {"port": str(port), "data_dir": str(data_dir), "api_key": API_KEY}
    values |= webhook_settings(receiver) | settings
    environment = {f"FEIRA_SANDBOX_{name.upper()}": value for name, value in values.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "feira.sandbox", env=os.environ | environment
    )
    try:
        async with client_session(port) as session:
            await until_ready(session, process)
            yield SandboxProcess(process, SandboxClient(session))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_ready(session: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while process.returncode is None:
            try:
                async with session.get("/healthz") as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(PROBE_SECONDS)
    raise RuntimeError(f"the sandbox ended at its start: {process.returncode}")
