"""`POST /v1/charges/batch`: the busy endpoint, plain ASGI.

Answers are lines of JSON, each sent as soon as it is known, so a slow card never delays its
neighbours: first all that are decided at once, then the late ones; those that are never answered
keep the stream open until the caller gives up.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import json
from starlette.types import Receive, Scope, Send

from feira.sandbox.decisions import Answer, behaviour_of
from feira.sandbox.desk import Desk
from feira.sandbox.messages import ChargeBatch, ChargeRequest, encode_lines
from feira.sandbox.wire import decode, read_body

CONTENT_TYPE: Final = (b"content-type", b"application/x-ndjson")


class ChargeBatchEndpoint:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._decoder = json.Decoder(ChargeBatch)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self._desk.settings.body_bytes_max)
        requests = by_answer(decode(self._decoder, body).charges)
        at_once, late, never = (requests[answer] for answer in Answer)
        # Never answered, but in the books with the first ones: they can be asked for.
        answers = await self._desk.charge(at_once + never)
        first_lines = encode_lines(answers[: len(at_once)])
        if late or never:
            await start(send)
            await send_lines(send, first_lines, more=True)
            await self._send_the_rest(late, never, receive, send)
        else:
            await start(send, (b"content-length", b"%d" % len(first_lines)))
            await send_lines(send, first_lines, more=False)

    async def _send_the_rest(
        self,
        late: Sequence[ChargeRequest],
        never: Sequence[ChargeRequest],
        receive: Receive,
        send: Send,
    ) -> None:
        if late:
            await send_lines(send, encode_lines(await self._desk.charge_late(late)), more=True)
        if never:
            await self._desk.hang(receive)
        await send_lines(send, b"", more=False)


def by_answer(requests: Sequence[ChargeRequest]) -> dict[Answer, list[ChargeRequest]]:
    sorted_requests: dict[Answer, list[ChargeRequest]] = {answer: [] for answer in Answer}
    for request in requests:
        sorted_requests[behaviour_of(request.token).answer].append(request)
    return sorted_requests


async def start(send: Send, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [CONTENT_TYPE, *headers]})


async def send_lines(send: Send, lines: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": lines, "more_body": more})
