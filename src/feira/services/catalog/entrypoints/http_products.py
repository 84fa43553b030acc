"""Products: read by everybody (hot), kept by administrators (K1, B2, E1, E16)."""

from typing import Any

from fastapi import Response

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import AdminPrincipal, Idempotency, RequestOrigin
from feira.chassis.http.fields import PositiveId
from feira.chassis.http.hot import Access, HotRoute
from feira.chassis.http.openapi import responses
from feira.chassis.http.request import HotRequest
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.errors import Rejected
from feira.services.catalog.application.change_product import ChangeProduct
from feira.services.catalog.application.ports import CatalogQueries
from feira.services.catalog.application.remove_product import RemoveProduct
from feira.services.catalog.domain.product import PRODUCT_NOT_FOUND
from feira.services.catalog.entrypoints import listing
from feira.services.catalog.entrypoints.bodies import (
    NewProductBody,
    ProductBody,
    changes_of,
    creation_of,
)
from feira.services.catalog.entrypoints.views import (
    ProductListView,
    ProductView,
    product_answer,
    product_view,
    removed_answer,
)


def hot_product_routes(queries: CatalogQueries) -> list[HotRoute]:
    async def find_products(request: HotRequest) -> Answer:
        asked = listing.listing_of(request.query)
        found, total = await queries.find_products(
            asked.wanted, asked.sort, offset=asked.offset, products_max=asked.limit
        )
        items = [product_view(shown) for shown in found]
        return json_answer(200, ProductListView(items, total, asked.page, asked.limit))

    async def show_product(request: HotRequest) -> Answer:
        shown = await queries.get_product(request.path_ids[0])
        if shown is None:
            raise Rejected(PRODUCT_NOT_FOUND)
        return json_answer(200, product_view(shown))

    return [
        HotRoute(
            method="GET",
            path="/products",
            handler=find_products,
            access=Access.ANYONE,
            summary="The products on sale, a page",
            description=listing.DESCRIPTION,
            tags=("products",),
            responses={200: ProductListView},
        ),
        HotRoute(
            method="GET",
            path="/products/{product_id}",
            handler=show_product,
            access=Access.ANYONE,
            summary="A product, with what can still be sold of it",
            tags=("products",),
            responses={200: ProductView},
        ),
    ]


def product_routes(lane: Lane[Any]) -> Router:
    router = Router(tags=["products"])

    @router.post("/products", status_code=201, responses=responses({201: ProductView, 409: None}))
    async def create_product(
        body: NewProductBody, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        """Put a product into the catalog; `stock` is its first receipt."""
        answer = await lane.submit(
            creation_of(body),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: product_answer(outcome, 201, "/products"),
        )
        return to_response(answer)

    @router.put(
        "/products/{product_id}", responses=responses({200: ProductView, 404: None, 409: None})
    )
    async def change_product(
        product_id: PositiveId,
        body: ProductBody,
        _admin: AdminPrincipal,
        origin: RequestOrigin,
        key: Idempotency,
    ) -> Response:
        """Change what a product is or costs; what is left out stays. Stock is inventory's."""
        answer = await lane.submit(
            ChangeProduct(product_id, changes_of(body)),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: product_answer(outcome, 200, f"/products/{product_id}"),
        )
        return to_response(answer)

    @router.delete(
        "/products/{product_id}", status_code=204, responses=responses({204: None, 404: None})
    )
    async def remove_product(
        product_id: PositiveId, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        """Take a product out of the catalog: it is no longer sold or listed."""
        answer = await lane.submit(
            RemoveProduct(product_id),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: removed_answer(outcome, f"/products/{product_id}"),
        )
        return to_response(answer)

    return router
