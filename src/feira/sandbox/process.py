"""The sandbox, wired and served: its parts list."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.applications import Starlette

from feira.kernel.clock import Clock
from feira.sandbox.api import make_app
from feira.sandbox.books import Books
from feira.sandbox.controls import Controls
from feira.sandbox.desk import Desk
from feira.sandbox.group_commit import GroupCommit
from feira.sandbox.settings import HOST, SandboxSettings
from feira.sandbox.webhooks import Endpoint, WebhookSender

GOODBYE_SECONDS: Final = 2  # for what is under way at a shutdown


class Server(uvicorn.Server):
    """Sets `closing` when it begins to shut down, so that nobody is kept waiting."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    server: uvicorn.Server
    books: Books
    commits: GroupCommit
    sender: WebhookSender | None


def assemble(settings: SandboxSettings, clock: Clock) -> Sandbox:
    """Raises `sqlite3.Error`, `OSError`, `ValueError` if the books can't be opened."""
    controls = Controls()
    webhooks_may_be_due = asyncio.Event()
    endpoint = endpoint_of(settings)
    books = Books.open(settings.data_dir, keeps_webhooks=endpoint is not None)
    commits = GroupCommit(
        books, waiting_max=settings.waiting_writes_max, on_commit=webhooks_may_be_due.set
    )
    sender = None
    if endpoint is not None:
        sender = WebhookSender(
            books.webhooks, commits, controls, clock, endpoint, woken=webhooks_may_be_due
        )
    closing = asyncio.Event()
    desk = Desk(books, commits, controls, clock, settings, closing=closing)
    app = make_app(desk, wake_webhooks=webhooks_may_be_due.set)
    server = Server(server_config(app, settings), closing)
    return Sandbox(server=server, books=books, commits=commits, sender=sender)


def endpoint_of(settings: SandboxSettings) -> Endpoint | None:
    if settings.webhook_url is None or settings.webhook_secret is None:
        return None
    return Endpoint(
        url=str(settings.webhook_url),
        secret=settings.webhook_secret.get_secret_value(),
        timeout_seconds=settings.webhook_timeout_seconds,
        retry_delays_seconds=settings.webhook_retry_delays_seconds,
        deliveries_max=settings.webhook_deliveries_max,
    )


def server_config(app: Starlette, settings: SandboxSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=HOST,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=settings.connections_max,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )


async def serve(sandbox: Sandbox, sockets: Sequence[socket.socket] = ()) -> None:
    """Serve, on the configured port or the given sockets, until the server is told to exit; then
    write down what is left and close the books.

    If the sender of webhooks fails, all of it does: whoever watches the process starts it again.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(sandbox.sender.run()) if sandbox.sender else None
            await sandbox.server.serve(list(sockets) or None)
            if sending:
                sending.cancel()
    finally:
        sandbox.commits.commit()
        sandbox.books.close()
