"""Hot routes: the few endpoints that bypass FastAPI, found by one dictionary look-up.

A template is literal segments and positive integers in braces (`/orders/{id}/cancel`). A number is
written in one way only: no sign, no leading zero, below 2^53.
"""

from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

from feira.chassis.http.request import HotRequest
from feira.chassis.work import Answer
from feira.kernel.ids import NUMBER_MAX


class Handler(Protocol):
    """An `async def` that takes the request and answers it."""

    __name__: str

    def __call__(self, request: HotRequest, /) -> Awaitable[Answer]: ...


Shape = tuple[str, int]
"""A path with its numbers taken out, and how many they were."""

_NUMBER: Final = "{}"
_DIGITS_MAX: Final = len(str(NUMBER_MAX))


class Access(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """One hot endpoint.

    `responses` maps a status to the type of its body (None for an empty one), for the OpenAPI.
    """

    method: str
    path: str
    handler: Handler
    request_type: Any = None
    access: Access = Access.SIGNED_IN
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    responses: Mapping[int, Any] = field(default_factory=dict)
    is_public: bool = True
    """Documented, and forwarded by the gateway."""

    @property
    def parameter_names(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def operation_id(self) -> str:
        """`cancel_order_post`: the handler's name and the method."""
        return f"{self.handler.__name__}_{self.method.lower()}"


class HotRoutes:
    """All hot routes of a service."""

    def __init__(self, routes: Iterable[HotRoute]) -> None:
        self._by_shape: dict[Shape, dict[str, HotRoute]] = {}
        for route in routes:
            methods = self._by_shape.setdefault(_shape_of(route), {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is there twice")
            methods[route.method] = route

    def find(self, method: str, path: str) -> tuple[HotRoute, tuple[int, ...]] | None:
        """The route of a request and the numbers in its path; HEAD is answered by GET's route."""
        shape, ids = _shape_and_ids(path)
        methods = self._by_shape.get((shape, len(ids)))
        if methods is None:
            return None
        route = methods.get(method)
        if route is None and method == "HEAD":
            route = methods.get("GET")
        return None if route is None else (route, ids)

    def methods(self, path: str) -> frozenset[str]:
        """The methods that the address knows, HEAD included where GET is."""
        shape, ids = _shape_and_ids(path)
        methods = frozenset(self._by_shape.get((shape, len(ids)), ()))
        return methods | {"HEAD"} if "GET" in methods else methods


def _shape_of(route: HotRoute) -> Shape:
    segments = route.path.split("/")
    shape = "/".join(_NUMBER if segment.startswith("{") else segment for segment in segments)
    return shape, len(route.parameter_names)


def _shape_and_ids(path: str) -> tuple[str, tuple[int, ...]]:
    """`/orders/12/cancel` -> (`/orders/{}/cancel`, (12,))."""
    segments = path.split("/")
    ids: tuple[int, ...] = ()
    for index, segment in enumerate(segments):
        if is_number(segment):
            segments[index] = _NUMBER
            ids += (int(segment),)
    return ("/".join(segments), ids) if ids else (path, ids)


def is_number(segment: str) -> bool:
    """Whether a path segment is a positive integer below 2^53, in its one spelling."""
    return (
        segment.isdigit()
        and segment.isascii()
        and len(segment) <= _DIGITS_MAX
        and segment[0] != "0"
        and int(segment) <= NUMBER_MAX
    )
