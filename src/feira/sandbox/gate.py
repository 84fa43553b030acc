"""What every call under /v1 passes: the API key, and the failures a test has ordered."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feira.sandbox.controls import Controls
from feira.sandbox.wire import Problem


class Gate:
    """ASGI middleware. Raises `Problem` 401 without the key, 500 where a failure was ordered."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        api_key: str,
        controls: Controls,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._app = app
        self._authorization = f"Bearer {api_key}".encode()
        self._controls = controls
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._knows(scope):
            raise Problem(401, "unauthorized", "Send Authorization: Bearer <api key>.")
        if self._controls.take_failure():
            raise Problem(500, "ordered_failure", "POST /control asked for this failure.")
        await self._app(scope, receive, self._late(send) if self._controls.latency_ms else send)

    def _knows(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return compare_digest(given, self._authorization)

    def _late(self, send: Send) -> Send:
        latency_seconds = self._controls.latency_ms / 1000

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._pause(latency_seconds)
            await send(message)

        return send_late
