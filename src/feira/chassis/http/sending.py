"""Sending answers out, with the correlation id on each of them."""

from typing import Final

from starlette.types import Message, Send

from feira.chassis.work import Answer

EVENT_STREAM: Final = b"text/event-stream"
CORRELATION_HEADER: Final = b"x-correlation-id"


class Sender:
    """An ASGI `send` that knows what became of the request: `status` is 0 until one is sent."""

    __slots__ = ("_correlation", "_is_head", "_send", "is_stream", "status")

    def __init__(self, send: Send, correlation_id: str, *, is_head: bool) -> None:
        self._send = send
        self._correlation = (CORRELATION_HEADER, correlation_id.encode("latin-1"))
        self._is_head = is_head
        self.status = 0
        self.is_stream = False
        """Whether what is sent are events, for as long as the client likes."""

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer."""
        self.status = answer.status
        headers = [self._correlation]
        if answer.content_type:
            headers.append((b"content-type", answer.content_type.encode("latin-1")))
        if answer.status != 204:  # RFC 9110, section 8.6: no Content-Length in a 204
            headers.append((b"content-length", b"%d" % len(answer.body)))
        for name, value in answer.headers:
            headers.append((name.lower().encode("latin-1"), value.encode("latin-1", "replace")))
        await self._send(
            {"type": "http.response.start", "status": answer.status, "headers": headers}
        )
        body = b"" if self._is_head else answer.body
        await self._send({"type": "http.response.body", "body": body})

    async def __call__(self, message: Message) -> None:
        """Pass on what FastAPI sends; the answer to a HEAD goes without its body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            self.is_stream = any(
                name == b"content-type" and value.startswith(EVENT_STREAM)
                for name, value in headers
            )
            message["headers"] = [*headers, self._correlation]
        elif self._is_head and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)
