"""A load generator: raw HTTP/1.1 over keep-alive connections, as cheap as Python can be.

Closed loop: each connection sends its next request when the last was answered.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

LENGTH_HEADER: Final = b"content-length: "
RETRY_AFTER_BUSY_SECONDS: Final = 0.05


@dataclass(slots=True)
class Report:
    """Requests by status, and how long each answer took, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    took_seconds: float = 0.0

    def quantile_ms(self, q: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1000 if ordered else 0.0


class _Client(asyncio.Protocol):
    """One connection; takes requests from the shared queue until it is empty."""

    def __init__(
        self, requests: deque[bytes], report: Report, ended: Callable[[], None], deadline: float
    ) -> None:
        self._requests = requests
        self._report = report
        self._ended = ended
        self._deadline = deadline
        self._received = b""
        self._sent_at = 0.0
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport  # uvloop's is no asyncio.Transport by class
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        status = _complete(self._received)
        if status is None:
            return
        self._received = b""
        self._report.statuses[status] += 1
        if status == 503:
            self._requests.append(self._request)
            asyncio.get_running_loop().call_later(RETRY_AFTER_BUSY_SECONDS, self._next)
            return
        self._report.seconds.append(time.perf_counter() - self._sent_at)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self._request:  # cut off with a request under way: it counts as one without an answer
            self._report.statuses[0] += 1
        self._ended()

    def _next(self) -> None:
        if not self._requests or time.perf_counter() > self._deadline:
            self._request = b""
            self._transport.close()
            return
        self._request = self._requests.popleft()
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)


def _complete(received: bytes) -> int | None:
    """The status of an answer that has come whole."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(LENGTH_HEADER)
    length = 0
    if at >= 0:
        start = at + len(LENGTH_HEADER)
        stop = head.find(b"\r", start)
        length = int(head[start : stop if stop >= 0 else None])
    return int(head[9:12]) if len(received) >= end + 4 + length else None


async def send_all(
    port: int, requests: list[bytes], connections: int, seconds_max: float = 300.0
) -> Report:
    """Send the requests to 127.0.0.1 over so many connections; stops early after `seconds_max`."""
    report, queue = Report(), deque(requests)
    loop = asyncio.get_running_loop()
    open_connections = min(connections, len(requests))
    all_ended = asyncio.Event()

    def ended() -> None:
        nonlocal open_connections
        open_connections -= 1
        if open_connections == 0:
            all_ended.set()

    started_at = time.perf_counter()
    deadline = started_at + seconds_max
    await asyncio.gather(
        *(
            loop.create_connection(
                lambda: _Client(queue, report, ended, deadline), "127.0.0.1", port
            )
            for _ in range(open_connections)
        )
    )
    await all_ended.wait()
    report.took_seconds = time.perf_counter() - started_at
    return report


def post(path: str, token: str, body: bytes, key: str | None = None) -> bytes:
    """The bytes of a POST."""
    idempotency = f"Idempotency-Key: {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n{idempotency}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
