"""One HTTP request to a service's ASGI application, as a server makes it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answered(NamedTuple):
    status: int
    body: bytes


async def exchange(app: ASGIApp, request: Request) -> Answered:
    waiting: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(request), receive, send)
    start, *parts = sent
    return Answered(start["status"], b"".join(part.get("body", b"") for part in parts))


def _scope(request: Request) -> dict[str, Any]:
    path, _, query = request.path.partition("?")
    headers = {"content-length": str(len(request.body)), **request.headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("192.0.2.7", 50_000),
        "scheme": "http",
        "root_path": "",
        "state": {},
        "method": request.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
