"""A service's FastAPI application: its cold routes, with problems for answers.

Routers are `Router`s of this module: their routes read JSON strictly and exactly (fractions become
`Decimal`, not float) and refuse what a database cannot keep.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Route

from feira.chassis.http.answers import to_response
from feira.chassis.http.dependencies import http_request
from feira.chassis.http.hot import HotRoute, HotRoutes, is_number
from feira.chassis.http.json_body import decode_untyped, invalid_body
from feira.chassis.http.openapi import openapi_of
from feira.chassis.http.problems import (
    NOT_FOUND,
    NOT_JSON_MEDIA,
    UNEXPECTED,
    answer_for,
    method_not_allowed,
    problem,
    problem_answer,
)
from feira.kernel.errors import (
    Category,
    FeiraError,
    FieldError,
    Misconfigured,
    Refused,
    Rejected,
)

ERRORS_SHOWN_MAX: Final = 50


class _JsonRequest(Request):
    """A request whose JSON was read by our own rules before FastAPI asks for it."""

    decoded: Any = None

    async def json(self) -> Any:
        return self.decoded


class JsonRoute(APIRoute):
    """A FastAPI route that takes JSON bodies; routes with form fields take forms instead."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None or isinstance(self.body_field.field_info, Form):
            return handle

        required = self.body_field.field_info.is_required()

        async def handle_json(request: Request) -> Response:
            received = http_request(request)
            if not received.body and not required:
                return await handle(request)
            if not received.is_json:
                raise Rejected(NOT_JSON_MEDIA)
            exact = _JsonRequest(request.scope, request.receive)
            exact.decoded = decode_untyped(received.body)
            return await handle(exact)

        return handle_json


class Router(APIRouter):
    """Where a service declares its cold routes: `router = Router(tags=["things"])`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{
                "route_class": JsonRoute,
                "strict_content_type": False,
                "redirect_slashes": False,
                **options,
            }
        )


def create_app(
    title: str,
    routers: Sequence[Router] = (),
    hot_routes: Sequence[HotRoute] = (),
    version: str = "1",
    description: str = "",
) -> FastAPI:
    """The cold side of a service; the shell serves `hot_routes`, which are known here to document
    them and to say which methods an address has.
    """
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in routers:
        _require_json_routes(router)
        app.router.routes.extend(router.routes)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _HttpErrors(app, HotRoutes(hot_routes)))
    app.add_exception_handler(FeiraError, _on_feira_error)
    app.add_exception_handler(Exception, _on_unexpected)
    app.openapi = lambda: openapi_of(app, routers, hot_routes)  # type: ignore[method-assign]
    return app


class _HttpErrors:
    """Answers what routing itself refuses, knowing the hot routes of the same address too."""

    def __init__(self, app: FastAPI, hot: HotRoutes) -> None:
        self._app = app
        self._hot = hot

    async def __call__(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.scope["path"]
        by_routing = error.status_code == 405 or "endpoint" not in request.scope
        if by_routing and (allowed := self._allowed(path)):
            return to_response(method_not_allowed(allowed, path))
        if by_routing or error.status_code == 404:
            return to_response(problem_answer(NOT_FOUND, path))
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("-", "_")
        headers = tuple((error.headers or {}).items())
        return to_response(problem(error.status_code, code, str(error.detail), path, (), headers))

    def _allowed(self, path: str) -> frozenset[str]:
        methods = set(self._hot.methods(path))
        for route in self._app.routes:
            if isinstance(route, Route) and _leads_to(route, path):
                methods |= route.methods or set()
        return frozenset(methods | {"HEAD"} if "GET" in methods else methods)


def _leads_to(route: Route, path: str) -> bool:
    """Whether the path is an address of the route: `/orders/x` is none of `/orders/{order_id}`."""
    found = route.path_regex.match(path)
    if found is None or not isinstance(route, APIRoute):
        return found is not None
    parameters = route.dependant.path_params
    numbers = [each.name for each in parameters if each.field_info.annotation is int]
    return all(is_number(found[name]) for name in numbers)


def _require_json_routes(router: Router) -> None:
    for route in router.routes:
        if not isinstance(route, JsonRoute):
            raise Misconfigured(f"{route} must be declared on {Router.__name__} itself")


async def _on_feira_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, Exception)
    answer = answer_for(error, request.scope["path"])
    if answer is None:
        raise error
    return to_response(answer)


async def _on_unexpected(request: Request, _error: Exception) -> Response:
    return to_response(problem_answer(UNEXPECTED, request.scope["path"]))


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return to_response(problem_answer(_refusal_of(error), request.scope["path"]))


def _refusal_of(error: RequestValidationError) -> Refused:
    """A wrong value in the path means that there is nothing there; all others are 422."""
    faults = error.errors()[:ERRORS_SHOWN_MAX]
    places = {fault["loc"][0] for fault in faults}
    if "path" in places:
        return NOT_FOUND
    errors = tuple(FieldError(_pointer(fault["loc"][1:]), _reason(fault)) for fault in faults)
    if "body" in places:
        return invalid_body(errors)
    return Refused(
        Category.INVALID, "invalid_parameter", "The request has values that do not fit.", errors
    )


def _pointer(location: Sequence[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in location)


def _reason(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")
