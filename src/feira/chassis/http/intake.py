"""Taking a request in: its address checked, its body read whole, within limits of size and time."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, Final

from starlette.types import Message, Receive

from feira.chassis.http.fields import is_storable
from feira.chassis.http.problems import INVALID_TEXT
from feira.chassis.http.request import QUERY_FIELDS_MAX
from feira.kernel.errors import Category, Refused, Rejected

BODY_BYTES_MAX: Final = 1024 * 1024
BODY_TIMEOUT_SECONDS: Final = 10.0

TOO_LARGE: Final = Refused(Category.TOO_LARGE, "body_too_large", "The body is too large.")
TOO_SLOW: Final = Refused(Category.MALFORMED, "body_too_slow", "The body did not arrive in time.")
_TOO_MANY_FIELDS: Final = Refused(
    Category.INVALID, "invalid_parameter", f"The query has more than {QUERY_FIELDS_MAX} fields."
)


class ClientGone(Exception):
    """The client went away before its request was whole; nobody is there to be answered."""


def check_address(path: str, query_string: bytes) -> None:
    """Refuse, in path and query, what no database can keep, and queries without an end."""
    if not is_storable(path) or b"%00" in query_string or b"\0" in query_string:
        raise Rejected(INVALID_TEXT)
    if query_string.count(b"&") >= QUERY_FIELDS_MAX:
        raise Rejected(_TOO_MANY_FIELDS)


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], bytes_max: int = BODY_BYTES_MAX
) -> bytes:
    """The whole body; raises `Rejected` (413 however it is sent, 400 when it takes too long)."""
    length = headers.get(b"content-length")
    if length is None and b"transfer-encoding" not in headers:
        return b""
    if length is not None and (not length.isdigit() or int(length[:16]) > bytes_max):
        raise Rejected(TOO_LARGE)
    try:
        return await _at_once_or_within(_received(receive, bytes_max), BODY_TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise Rejected(TOO_SLOW) from error


async def _at_once_or_within(reading: Coroutine[Any, Any, bytes], timeout_seconds: float) -> bytes:
    """What `reading` gives; it mostly has it at once, so a timer (3 to 9 µs) is set only if not."""
    try:
        awaited = reading.send(None)
    except StopIteration as done:
        body: bytes = done.value
        return body
    async with asyncio.timeout(timeout_seconds):
        return await _resumed(reading, awaited)


@types.coroutine
def _resumed(reading: Coroutine[Any, Any, bytes], awaited: Any) -> Generator[Any, Any, bytes]:
    """Go on with a coroutine that has been started, from what it awaits."""
    try:
        yield awaited
    except BaseException as error:
        reading.throw(error)
        raise
    return (yield from reading.__await__())


async def _received(receive: Receive, bytes_max: int) -> bytes:
    message = await receive()
    body: bytes = _part_of(message)
    while message.get("more_body") and len(body) <= bytes_max:
        message = await receive()
        body += _part_of(message)
    if len(body) > bytes_max:
        raise Rejected(TOO_LARGE)
    return body


def _part_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    part: bytes = message.get("body", b"")
    return part


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body already read, and then what comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
