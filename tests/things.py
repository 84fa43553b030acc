"""A made-up service, for the tests of the HTTP chassis: a few hot routes, a few cold ones."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Response
from pydantic import BaseModel, ConfigDict

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.http.answers import NO_CONTENT, amount, json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import (
    AdminPrincipal,
    ClientAddress,
    CurrentPrincipal,
    Idempotency,
    OptionalPrincipal,
    Pagination,
    RequestOrigin,
)
from feira.chassis.http.fields import (
    Amount,
    AmountNumber,
    IdNumber,
    PositiveId,
    Text,
    cents_of,
    id_of,
)
from feira.chassis.http.hot import Access, HotRoute
from feira.chassis.http.openapi import responses
from feira.chassis.http.request import HotRequest
from feira.chassis.http.shell import ServiceShell
from feira.chassis.work import Answer
from feira.kernel.clock import Clock, ManualClock
from feira.kernel.errors import Category, Overloaded, Refused, Rejected, Unavailable

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ISSUER, AUDIENCE = "https://shop.example", "feira"


class Part(msgspec.Struct, kw_only=True):
    thing_id: IdNumber
    offered: AmountNumber
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class PlaceThings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    parts: Annotated[list[Part], msgspec.Meta(min_length=1, max_length=100)]
    note: str = ""


class PlacedView(msgspec.Struct, kw_only=True):
    user_id: int
    total: float
    note: str


class NewThing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Text(max_length=20)]
    price: Amount
    parent_id: PositiveId | None = None
    weight: float = 1.0
    labels: dict[str, Any] = {}


class Opinion(BaseModel):
    stars: int = 5


async def place_things(request: HotRequest) -> Answer:
    body = request.decode(PlaceThings)
    total_cents = 0
    for index, part in enumerate(body.parts):
        id_of(part.thing_id, f"/parts/{index}/thing_id")
        total_cents += cents_of(part.offered, f"/parts/{index}/offered") * part.quantity
    user_id = request.current_principal.id
    view = PlacedView(user_id=user_id, total=amount(total_cents), note=body.note)
    return json_answer(201, view)


async def show_part(request: HotRequest) -> Answer:
    return json_answer(200, {"ids": request.path_ids, "query": request.query})


async def sweep(_request: HotRequest) -> Answer:
    return NO_CONTENT


async def describe(request: HotRequest) -> Answer:
    """What the chassis understood of a request."""
    key, principal = request.idempotency, request.principal
    seen = {
        "caller": key and key.caller,
        "key": key and key.key,
        "fingerprint": key and key.fingerprint.hex(),
        "user_id": principal and principal.id,
        "origin": request.origin,
        "address": request.client_address,
        "length": len(request.body),
    }
    return json_answer(200, seen)


async def fail(request: HotRequest) -> Answer:
    raise FAILURES[request.query["how"]]


FAILURES: dict[str, Exception] = {
    "bug": RuntimeError("the password is 12345"),
    "refused": Rejected(Refused(Category.CONFLICT, "sold_out", "Nothing is left.")),
    "overloaded": Overloaded("lane", retry_after_seconds=3),
    "unavailable": Unavailable("no answer in time"),
}

HOT_ROUTES = (
    HotRoute(
        method="POST",
        path="/things",
        handler=place_things,
        request_type=PlaceThings,
        summary="Place things",
        tags=("things",),
        responses={201: PlacedView, 409: None},
    ),
    HotRoute(
        method="GET",
        path="/things/{id}/parts/{part_id}",
        handler=show_part,
        access=Access.ANYONE,
    ),
    HotRoute(method="DELETE", path="/things", handler=sweep, access=Access.ADMIN),
    HotRoute(method="POST", path="/describe", handler=describe, access=Access.ANYONE),
    HotRoute(method="POST", path="/fail", handler=fail, access=Access.ANYONE),
)


def cold_routes() -> Router:
    router = Router(tags=["things"])

    @router.post("/things/new", status_code=201, responses=responses({201: PlacedView, 409: None}))
    async def create(
        body: NewThing, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        seen = body.model_dump() | {"origin": origin, "key": key and key.key}
        return to_response(json_answer(201, seen))

    @router.get("/things")
    async def list_things(page: Pagination, min_price: Amount | None = None) -> Response:
        return to_response(json_answer(200, {"page": page, "min_price": min_price}))

    @router.get("/things/{id}")
    async def show(id: PositiveId, caller: OptionalPrincipal) -> Response:  # noqa: A002
        return to_response(json_answer(200, {"id": id, "user_id": caller and caller.id}))

    @router.put("/things/{id}/opinion")
    async def rate(
        id: PositiveId,  # noqa: A002
        _caller: CurrentPrincipal,
        address: ClientAddress,
        body: Opinion | None = None,
    ) -> Response:
        seen = {"id": id, "stars": body and body.stars, "address": address}
        return to_response(json_answer(200, seen))

    @router.post("/things/{id}/failure")
    async def break_down(id: PositiveId, how: str) -> Response:  # noqa: A002
        raise FAILURES[how]

    return router


class Tokens:
    """A key pair in a folder, who signs with it and who verifies with it."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.private_file = folder / "signing-key.json"
        self.public_file = folder / "jwks.json"
        self.clock = clock or ManualClock(START)
        generate_signing_key(self.private_file, self.public_file)
        key = load_signing_key(self.private_file)
        self.signer = TokenSigner(key, ISSUER, AUDIENCE, self.clock)
        self.verifier = TokenVerifier(KeyFile(self.public_file), ISSUER, AUDIENCE, self.clock)

    def of(self, user_id: int, role: str = "customer", session_id: str = "s-1") -> str:
        return self.signer.sign(user_id, role, session_id)


def things_shell(
    verifier: TokenVerifier | None = None,
    readiness: Mapping[str, Any] | None = None,
    **limits: int,
) -> ServiceShell:
    return ServiceShell(
        service="things",
        title="Things",
        routers=[cold_routes()],
        hot_routes=HOT_ROUTES,
        verifier=verifier,
        readiness=readiness,
        **limits,
    )
