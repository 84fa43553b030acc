"""What FastAPI routes declare to be given: the caller, the origin, the key, the page.

async def create(body: NewThing, admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency)
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from feira.chassis.auth.principal import Principal
from feira.chassis.http.fields import PAGE_LIMIT_DEFAULT, PageLimit, PageNumber
from feira.chassis.http.request import HttpRequest
from feira.chassis.work import IdempotencyKey, Origin

SCOPE_KEY: Final = "feira.request"
BEARER_SCHEME: Final = "bearer"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
IDEMPOTENCY_MEANS: Final = "The same key and body get the same answer, however often they are sent."


def http_request(request: Request) -> HttpRequest:
    """The request as the shell sees it (its body already read)."""
    found = request.scope[SCOPE_KEY]
    assert isinstance(found, HttpRequest)
    return found


class _Bearer(SecurityBase):
    """Documents the route as needing a bearer token."""

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = BEARER_SCHEME


class _OptionalBearer(_Bearer):
    async def __call__(self, request: Request) -> Principal | None:
        return http_request(request).principal


class _RequiredBearer(_Bearer):
    async def __call__(self, request: Request) -> Principal:
        return http_request(request).current_principal


class _AdminBearer(_Bearer):
    async def __call__(self, request: Request) -> Principal:
        return http_request(request).admin_principal


async def _origin(request: Request) -> Origin:
    return http_request(request).origin


async def _idempotency(
    request: Request,
    _documented: Annotated[
        str | None, Header(alias=IDEMPOTENCY_HEADER, description=IDEMPOTENCY_MEANS)
    ] = None,
) -> IdempotencyKey | None:
    return http_request(request).idempotency


async def _client_address(request: Request) -> str:
    return http_request(request).client_address


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: `page` from 1, `limit` items a page (1 to 100)."""

    page: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


async def _page(
    page: Annotated[PageNumber, Query()] = 1,
    limit: Annotated[PageLimit, Query()] = PAGE_LIMIT_DEFAULT,
) -> Page:
    return Page(page, limit)


CurrentPrincipal = Annotated[Principal, Security(_RequiredBearer())]
AdminPrincipal = Annotated[Principal, Security(_AdminBearer())]
OptionalPrincipal = Annotated[Principal | None, Security(_OptionalBearer())]
RequestOrigin = Annotated[Origin, Depends(_origin)]
Idempotency = Annotated[IdempotencyKey | None, Depends(_idempotency)]
ClientAddress = Annotated[str, Depends(_client_address)]
Pagination = Annotated[Page, Depends(_page)]
