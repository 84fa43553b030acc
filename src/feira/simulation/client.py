"""A client of the shop: asks, waits, asks again with the same key; everything is written down."""

import asyncio
from dataclasses import replace
from random import Random
from typing import Any, Final

import msgspec

from feira.audit.evidence import Call
from feira.simulation.asgi import Answered, Request
from feira.simulation.identity import authorization_of
from feira.simulation.shop import Shop

TIMEOUT_SECONDS: Final = 8.0
WAIT_SECONDS_MAX: Final = 2.0

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class History:
    """Every call, in the order they were sent, as its client remembers it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def sent(self, call: Call) -> int:
        self.calls.append(call)
        return len(self.calls) - 1

    def answered(self, at: int, now: float, answered: Answered) -> None:
        answer = _decode(answered.body) if answered.body else None
        self.calls[at] = replace(
            self.calls[at], answered_at=now, status=answered.status, answer=answer
        )


class Client:
    def __init__(
        self, shop: Shop, history: History, who: int, chance: Random, *, is_admin: bool = False
    ) -> None:
        self._shop = shop
        self._history = history
        self._who = who
        self._is_admin = is_admin
        self.chance = chance
        self._keys = 0

    def new_key(self) -> str:
        self._keys += 1
        return f"{self._who}-{self._keys}"

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        tries_max: int = 1,
    ) -> Call:
        """The last call, with its answer if there was one. More than one try needs a key."""
        call = await self._once(service, method, path, body, key)
        for _ in range(1, tries_max):
            if call.is_decided:
                break
            await asyncio.sleep(self.chance.random() * WAIT_SECONDS_MAX)
            call = await self._once(service, method, path, body, key)
        return call

    async def _once(self, service: str, method: str, path: str, body: Any, key: str | None) -> Call:
        now = self._shop.loop.time
        call = Call(
            who=self._who,
            method=method,
            path=path,
            body=body,
            key=key,
            sent_at=now(),
            is_admin=self._is_admin,
        )
        at = self._history.sent(call)
        request = Request(method, path, self._headers(at, key, body), _encoded(body))
        answered = await self._shop.call(service, request, TIMEOUT_SECONDS)
        if answered is not None:
            self._history.answered(at, now(), answered)
        return self._history.calls[at]

    def _headers(self, number: int, key: str | None, body: Any) -> dict[str, str]:
        headers = {
            "authorization": authorization_of(self._who, is_admin=self._is_admin).decode(),
            "x-correlation-id": f"request-{number}",
        }
        if body is not None:
            headers["content-type"] = "application/json"
        if key is not None:
            headers["idempotency-key"] = key
        return headers


def _encoded(body: Any) -> bytes:
    return b"" if body is None else _encode(body)
