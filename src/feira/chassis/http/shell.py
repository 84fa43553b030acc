"""The outermost ASGI application of a service.

Serves health, metrics and the hot routes itself and hands the rest to FastAPI. For every request:
a correlation id, the body read whole within its limits, problems for whatever goes wrong, and one
observation in the metrics.
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Final

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.http.application import Router, create_app
from feira.chassis.http.dependencies import SCOPE_KEY
from feira.chassis.http.health import Check, liveness, readiness
from feira.chassis.http.hot import Access, HotRoute, HotRoutes
from feira.chassis.http.intake import BODY_BYTES_MAX, ClientGone, check_address, read_body, replay
from feira.chassis.http.problems import (
    NOT_JSON_MEDIA,
    STOPPING,
    UNEXPECTED,
    answer_for,
    problem_answer,
)
from feira.chassis.http.request import HotRequest, HttpRequest
from feira.chassis.http.sending import Sender
from feira.chassis.telemetry.logs import CORRELATION_ID, SERVICE
from feira.chassis.telemetry.metrics import EXPOSITION_CONTENT_TYPE, HttpMetrics, exposition
from feira.chassis.work import Answer
from feira.kernel.errors import Overloaded, Rejected
from feira.kernel.ids import Ids

CORRELATION_ID_LENGTH_MAX: Final = 64
CORRELATION_IDS_AHEAD: Final = 64
"""Made at once: 1 µs each instead of 9."""
UNMATCHED: Final = "unmatched"

CLIENT_GONE: Final = 499
REQUESTS_UNDER_WAY_MAX: Final = 5_000

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_log = structlog.get_logger(__name__)


class ServiceShell:
    """One service as an ASGI application; `app` is the FastAPI part."""

    def __init__(
        self,
        *,
        service: str,
        title: str,
        routers: Sequence[Router] = (),
        hot_routes: Sequence[HotRoute] = (),
        verifier: TokenVerifier | None = None,
        readiness: Mapping[str, Check] | None = None,
        body_bytes_max: int = BODY_BYTES_MAX,
        requests_under_way_max: int = REQUESTS_UNDER_WAY_MAX,
    ) -> None:
        """Without a `verifier` nobody is ever signed in. `readiness`: a check a part, by name."""
        self.service = service
        hot_routes = [*hot_routes, *_operations(service, readiness or {})]
        self.app = create_app(title, routers, hot_routes)
        self._hot = HotRoutes(hot_routes)
        self._table = _table(self.app, hot_routes)
        self._verifier = verifier
        self._body_bytes_max = body_bytes_max
        self._under_way = 0
        self._under_way_max = requests_under_way_max
        self._metrics = HttpMetrics(service)
        self._ids = Ids()
        self._fresh_ids: list[str] = []

    def route_table(self) -> list[tuple[str, str]]:
        """Method and path template of every public route, sorted: what a gateway forwards."""
        return self._table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", scope["type"]
        started = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        method: str = scope["method"]
        correlation_id = self._correlation_id(headers.get(b"x-correlation-id"))
        CORRELATION_ID.set(correlation_id)
        SERVICE.set(self.service)
        sender = Sender(send, correlation_id, is_head=method == "HEAD")
        self._under_way += 1
        try:
            template = await self._serve(scope, headers, correlation_id, receive, sender)
        except ClientGone:
            template, sender.status = UNMATCHED, CLIENT_GONE
        except asyncio.CancelledError:  # the server stops, and has waited long enough
            if not sender.status:
                await sender.answer(problem_answer(STOPPING, scope["path"]))
            raise
        finally:
            self._under_way -= 1
        if not sender.is_stream:  # its duration is its client's choice
            seconds = perf_counter() - started
            self._metrics.answered(_known(method), template, sender.status, seconds)

    async def _serve(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        correlation_id: str,
        receive: Receive,
        sender: Sender,
    ) -> str:
        """Answer by a hot route or by FastAPI; returns the template of the route."""
        found = self._hot.find(scope["method"], scope["path"])
        if found is None:
            request = HttpRequest(scope, headers, correlation_id, self._verifier)
            return await self._serve_cold(request, scope, receive, sender)
        route, ids = found
        hot = HotRequest(scope, headers, correlation_id, self._verifier, ids)
        await sender.answer(await self._hot_answer(route, hot, receive))
        return route.path

    async def _hot_answer(self, route: HotRoute, request: HotRequest, receive: Receive) -> Answer:
        try:
            if route.is_public:
                self._check_load()
            check_address(request.path, request.query_string)
            _admit(route.access, request)
            await self._read_body(request, receive)
            if request.body and not request.is_json:
                raise Rejected(NOT_JSON_MEDIA)
            return await route.handler(request)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in a handler is answered and logged
            return _answer_to(error, request.path)

    async def _serve_cold(
        self, request: HttpRequest, scope: Scope, receive: Receive, sender: Sender
    ) -> str:
        try:
            self._check_load()
            check_address(request.path, request.query_string)
            await self._read_body(request, receive)
        except (Overloaded, Rejected) as error:
            await sender.answer(_answer_to(error, request.path))
            return UNMATCHED
        method = "GET" if request.method == "HEAD" else request.method
        scope = {**scope, "method": method, SCOPE_KEY: request}  # the server's own stays as it was
        try:
            await self.app(scope, replay(request.body, receive), sender)
        except Exception as error:  # noqa: BLE001 - FastAPI has answered it, and raises it again
            answer = _answer_to(error, request.path)
            if not sender.status:
                await sender.answer(answer)
        return getattr(scope.get("route"), "path", UNMATCHED)

    def _check_load(self) -> None:
        if self._under_way > self._under_way_max:
            raise Overloaded(self.service)

    async def _read_body(self, request: HttpRequest, receive: Receive) -> None:
        request.body = await read_body(receive, request.headers, self._body_bytes_max)

    def _correlation_id(self, given: bytes | None) -> str:
        if given is not None and len(given) <= CORRELATION_ID_LENGTH_MAX:
            text = given.decode("latin-1")
            if text and text.isascii() and text.isprintable():
                return text
        if not self._fresh_ids:
            self._fresh_ids = self._ids.uuid7_texts(CORRELATION_IDS_AHEAD)
        return self._fresh_ids.pop()


def _admit(access: Access, request: HttpRequest) -> None:
    if access is Access.ADMIN:
        _ = request.admin_principal
    elif access is Access.SIGNED_IN:
        _ = request.current_principal


def _answer_to(error: Exception, path: str) -> Answer:
    answer = answer_for(error, path)
    if answer is None:
        _log.error("request_failed", path=path, exc_info=error)
        return problem_answer(UNEXPECTED, path)
    return answer


def _operations(service: str, checks: Mapping[str, Check]) -> list[HotRoute]:
    """What operators and their machines ask, never through the gateway."""

    async def healthz(_request: HotRequest) -> Answer:
        return liveness()

    async def readyz(_request: HotRequest) -> Answer:
        return await readiness(checks)

    async def metrics(_request: HotRequest) -> Answer:
        return Answer(200, exposition(service), EXPOSITION_CONTENT_TYPE)

    return [
        HotRoute(
            method="GET",
            path=f"/{handler.__name__}",
            handler=handler,
            access=Access.ANYONE,
            is_public=False,
        )
        for handler in (healthz, readyz, metrics)
    ]


def _table(app: FastAPI, hot_routes: Sequence[HotRoute]) -> list[tuple[str, str]]:
    cold = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    hot = {(route.method, route.path) for route in hot_routes if route.is_public}
    return sorted(cold | hot)


def _known(method: str) -> str:
    """The method as a label: a client cannot make up new ones."""
    return method if method in _METHODS else "OTHER"
