"""The outermost layer of the service: it turns away whom no claim can serve, at the least cost.

    claim ─► sold out, by heart? ─► 409 (no token looked at, no SQL, no broker)
                    │ no
                    ├─► more than the address or the account may? ─► 429
                    └─► the service

Everything else passes untouched.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from time import monotonic
from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.http.addresses import client_address, network_of
from feira.chassis.http.problems import problem_answer
from feira.chassis.http.shell import ServiceShell
from feira.kernel.errors import Category, Refused, Rejected
from feira.kernel.ids import NUMBER_MAX
from feira.services.flashsale.domain.quota import Taken
from feira.services.flashsale.entrypoints.board import Board, Refusal
from feira.services.flashsale.entrypoints.crowd_counts import CrowdCounts
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.limits import Headers, Limits

LIMITED: Final = re.compile(r"/flash-sales/([1-9]\d{0,15})/(orders|admission)")
CORRELATION: Final = b"x-correlation-id"
CORRELATION_LENGTH_MAX: Final = 64
TOKEN_LENGTH_MAX: Final = 4096
PROBLEM_BYTES_MAX: Final = 64 * 1024


class _Payload(msgspec.Struct):
    sub: str


class _Problem(msgspec.Struct):
    code: str = "other"
    waiting: bool = False


_decode_payload: Final = msgspec.json.Decoder(_Payload).decode
_decode_problem: Final = msgspec.json.Decoder(_Problem).decode


class Front:
    """An ASGI application before the service's own, whose routes are its routes."""

    def __init__(
        self,
        shell: ServiceShell,
        board: Board,
        verifier: TokenVerifier,
        counts: CrowdCounts,
        metrics: CrowdMetrics,
        *,
        of_address: Limits,
        of_account: Limits,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._app: ASGIApp = shell
        self.app = shell.app
        self.route_table = shell.route_table
        self._board = board
        self._verifier = verifier
        self._counts = counts
        self._metrics = metrics
        self._of_address = of_address
        self._of_account = of_account
        self.monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        refusal = self._board.refusals.get(scope["path"])
        if refusal is not None and self.monotonic() < refusal.until:
            headers: dict[bytes, bytes] = dict(scope["headers"])
            if named_customer(headers.get(b"authorization")) not in refusal.holders:
                self._counts.refused_from_memory(refusal.drop_id)
                await _refuse(refusal, headers.get(CORRELATION), send)
                return
        found = LIMITED.fullmatch(scope["path"])
        if found is None:
            await self._app(scope, receive, send)
            return
        is_claim = found[2] == "orders"
        await self._within_limits(_Watched(self, scope, send, int(found[1]), is_claim), receive)

    async def _within_limits(self, watched: "_Watched", receive: Receive) -> None:
        """What is over a quota is answered here; the rest carries the headers of the tightest."""
        now = self.monotonic()
        scope = watched.scope
        taken = self._of_address.take(network_of(client_address(scope)), now)
        limits = self._of_address
        if taken.is_allowed and (customer_id := self._customer(scope)):
            of_account = self._of_account.take(customer_id, now)
            if not of_account.is_allowed or of_account.remaining <= taken.remaining:
                taken, limits = of_account, self._of_account
        watched.quota = limits.headers(taken)
        if taken.is_allowed:
            await self._app(scope, receive, watched)
        else:
            await watched.refuse(taken)

    def _customer(self, scope: Scope) -> int:
        """Who asks, verified, so that nobody uses up another's quota; 0 for nobody."""
        authorization = dict(scope["headers"]).get(b"authorization")
        if authorization is None:
            return 0
        try:
            return self._verifier.authenticate(authorization).id
        except Rejected:
            return 0

    def answered(self, sale_id: int, status: int, body: bytes, seconds: float) -> None:
        """A claim was answered: by the service, or by a limit."""
        standing = self._board.standing_of(sale_id)
        if standing is None:
            return
        self._counts.answered(standing.drop_id, seconds)
        if status == 201:
            self._metrics.claimed()
        elif status >= 400:
            self._counts.refused(standing.drop_id, _code_of(body))


class _Watched:
    """An ASGI `send` that adds the quota to an answer, and sees what is answered to a claim."""

    def __init__(
        self, front: Front, scope: Scope, send: Send, sale_id: int, is_claim: bool
    ) -> None:
        self.scope = scope
        self.quota: Headers = []
        self._front = front
        self._send = send
        self._sale_id = sale_id
        self._is_claim = is_claim
        self._started_at = front.monotonic()
        self._status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message["headers"], *self.quota]
        elif self._is_claim and not message.get("more_body"):
            seconds = self._front.monotonic() - self._started_at
            body = message.get("body", b"")[:PROBLEM_BYTES_MAX]
            self._front.answered(self._sale_id, self._status, body, seconds)
        await self._send(message)

    async def refuse(self, taken: Taken) -> None:
        refused = Refused(
            Category.TOO_MANY,
            "too_many_requests",
            "Too many requests; try again later.",
            retry_after_seconds=taken.wait_seconds,
        )
        answer = problem_answer(refused, self.scope["path"])
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            *((name.lower().encode(), value.encode()) for name, value in answer.headers),
        ]
        correlation = dict(self.scope["headers"]).get(CORRELATION)
        if correlation is not None and len(correlation) <= CORRELATION_LENGTH_MAX:
            headers.append((CORRELATION, correlation))
        await self({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self({"type": "http.response.body", "body": answer.body})


def named_customer(authorization: bytes | None) -> int:
    """Whom a token names, without a look at its signature; 0: nobody.

    Only to let those through who may have a claim: the service verifies the token then.
    """
    if authorization is None or len(authorization) > TOKEN_LENGTH_MAX:
        return 0
    parts = authorization.split(b".", 2)
    if len(parts) != 3:
        return 0
    payload = parts[1]
    try:
        subject = _decode_payload(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))).sub
    except (ValueError, msgspec.DecodeError):
        return 0
    if not (subject.isascii() and subject.isdigit() and len(subject) <= len(str(NUMBER_MAX))):
        return 0
    return int(subject)


async def _refuse(refusal: Refusal, correlation: bytes | None, send: Send) -> None:
    headers = refusal.headers
    if correlation is not None and len(correlation) <= CORRELATION_LENGTH_MAX:
        headers = [*headers, (CORRELATION, correlation)]
    await send({"type": "http.response.start", "status": 409, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


def _code_of(body: bytes) -> str:
    """The problem's code; `queued` where the claim got a number in the queue all the same."""
    try:
        problem = _decode_problem(body)
    except msgspec.DecodeError:
        return "other"
    return "queued" if problem.waiting else problem.code
