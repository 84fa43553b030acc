"""One's own address book (E6)."""

from fastapi import Response

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import CurrentPrincipal, Idempotency, RequestOrigin
from feira.chassis.http.fields import PositiveId
from feira.chassis.http.openapi import responses
from feira.kernel.errors import Rejected
from feira.services.identity.application.keep_addresses import (
    AddAddress,
    RemoveAddress,
    ReplaceAddress,
)
from feira.services.identity.domain.address_book import ADDRESS_NOT_FOUND
from feira.services.identity.entrypoints.api_parts import ApiParts
from feira.services.identity.entrypoints.bodies import AddressBody
from feira.services.identity.entrypoints.views import (
    AddressesView,
    AddressView,
    address_view,
    addresses_view,
    done_answer,
    kept_answer,
)

PATH = "/me/addresses"


def address_routes(parts: ApiParts) -> Router:
    router = Router(tags=["addresses"])

    @router.get(PATH, responses=responses({200: AddressesView}))
    async def find(caller: CurrentPrincipal) -> Response:
        """All one's addresses, in the order they were added."""
        addresses = await parts.queries.addresses(caller.id)
        return to_response(json_answer(200, addresses_view(addresses)))

    @router.get(PATH + "/{address_id}", responses=responses({200: AddressView, 404: None}))
    async def show(address_id: PositiveId, caller: CurrentPrincipal) -> Response:
        addresses = await parts.queries.addresses(caller.id)
        if address_id not in addresses:
            raise Rejected(ADDRESS_NOT_FOUND)
        return to_response(json_answer(200, address_view(address_id, addresses[address_id])))

    @router.post(PATH, status_code=201, responses=responses({201: AddressView, 409: None}))
    async def add(
        body: AddressBody, caller: CurrentPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        address = body.address()
        answer = await parts.lane.submit(
            AddAddress(caller.id, address),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: kept_answer(outcome, address, 201, PATH),
        )
        return to_response(answer)

    @router.put(PATH + "/{address_id}", responses=responses({200: AddressView, 404: None}))
    async def replace(
        address_id: PositiveId, body: AddressBody, caller: CurrentPrincipal, origin: RequestOrigin
    ) -> Response:
        address = body.address()
        answer = await parts.lane.submit(
            ReplaceAddress(caller.id, address_id, address),
            origin=origin,
            answer_with=lambda outcome: kept_answer(outcome, address, 200, f"{PATH}/{address_id}"),
        )
        return to_response(answer)

    @router.delete(
        PATH + "/{address_id}", status_code=204, responses=responses({204: None, 404: None})
    )
    async def remove(
        address_id: PositiveId, caller: CurrentPrincipal, origin: RequestOrigin
    ) -> Response:
        answer = await parts.lane.submit(
            RemoveAddress(caller.id, address_id),
            origin=origin,
            answer_with=lambda outcome: done_answer(outcome, f"{PATH}/{address_id}"),
        )
        return to_response(answer)

    return router
