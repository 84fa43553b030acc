"""Drives an ASGI application in this process: what a service's own tests speak HTTP with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message

ENCODE = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class AsgiAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The problem's code."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        code: str = self.json["code"]
        return code


class AsgiClient:
    """`await AsgiClient(shell, token).post("/things", {"name": "x"})`."""

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self._app = app
        self._headers = {} if token is None else {"authorization": f"Bearer {token}"}

    async def get(self, path: str, **options: Any) -> AsgiAnswer:
        return await self.send("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> AsgiAnswer:
        return await self.send("POST", path, json, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> AsgiAnswer:
        return await self.send("PUT", path, json, **options)

    async def delete(self, path: str, **options: Any) -> AsgiAnswer:
        return await self.send("DELETE", path, **options)

    async def send(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        chunks: list[bytes] | None = None,
    ) -> AsgiAnswer:
        """`json` is encoded; `body` is sent as it is; `chunks` come without a content-length."""
        if json is not None:
            body = ENCODE(json)
        named = {"content-type": "application/json"} if body or chunks else {}
        named |= self._headers | {name.lower(): value for name, value in (headers or {}).items()}
        if chunks is None:
            named.setdefault("content-length", str(len(body or b"")))
        else:
            named["transfer-encoding"] = "chunked"
        raw = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
        path, _, query = path.partition("?")
        return await exchange(
            self._app, scope_of(method, path, query.encode(), raw), chunks or [body or b""]
        )


def scope_of(
    method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]]
) -> dict[str, Any]:
    """An ASGI HTTP scope as uvicorn makes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("192.0.2.7", 50_000),
        "scheme": "http",
        "root_path": "",
        "state": {},
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": query,
        "headers": headers,
    }


async def exchange(app: ASGIApp, scope: dict[str, Any], chunks: list[bytes]) -> AsgiAnswer:
    """One request, its body in `chunks`, and the whole answer to it."""
    waiting = list(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            return {"type": "http.disconnect"}
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return AsgiAnswer(start["status"], headers, b"".join(part.get("body", b"") for part in parts))
