"""Calls to the sandbox over one bounded, kept-alive session. A call that breaks has no answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec
import structlog

from feira.kernel.errors import FeiraError

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS: Final = 30.0
REFUSALS: Final = frozenset({400, 409, 413, 422})
"""Statuses that say that nothing was done because of the request itself."""

_encode: Final = msgspec.json.Encoder().encode


class NoAnswer(FeiraError):
    """What became of the call is unknown."""


class RefusedCall(FeiraError):
    """The provider does not take this request: it has done nothing."""


class SandboxLink:
    def __init__(
        self, url: str, api_key: str, *, timeout_seconds: float, connections_max: int
    ) -> None:
        self._url = url
        self._api_key = api_key
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._connections_max = connections_max
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Calls can be made inside."""
        async with aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(
                limit=self._connections_max, keepalive_timeout=KEEP_ALIVE_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "authorization": f"Bearer {self._api_key}",
                "content-type": "application/json",
            },
            timeout=self._timeout,
            auto_decompress=False,
        ) as self._session:
            yield

    async def call(self, path: str, body: msgspec.Struct | None = None) -> bytes:
        """The whole answer. Raises `NoAnswer`, `RefusedCall`."""
        return b"".join([chunk async for chunk in self.stream(path, body)])

    async def stream(self, path: str, body: msgspec.Struct | None = None) -> AsyncIterator[bytes]:
        """The answer in pieces, as they arrive. Raises `NoAnswer` (also midway), `RefusedCall`."""
        assert self._session is not None, "the link is not opened"
        data = b"" if body is None else _encode(body)
        try:
            async with self._session.post(path, data=data) as answer:
                _check(answer)
                async for chunk in answer.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(f"{path}: {error!r}") from error


def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status in REFUSALS:
        raise RefusedCall(f"{answer.url.path}: {answer.status}")
    if answer.status != 200:
        if answer.status in (401, 403):
            log.error("provider_refuses_our_key", path=answer.url.path, status=answer.status)
        raise NoAnswer(f"{answer.url.path}: {answer.status}")


def decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    """Raises `NoAnswer` for what is not the answer that was agreed on."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise NoAnswer(str(error)) from error
