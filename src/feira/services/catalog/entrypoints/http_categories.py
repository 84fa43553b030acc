"""Categories: a tree, read by everybody and kept by administrators (E1)."""

from collections.abc import Callable
from typing import Any

from fastapi import Response

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import (
    AdminPrincipal,
    Idempotency,
    Pagination,
    RequestOrigin,
)
from feira.chassis.http.fields import PositiveId
from feira.chassis.http.openapi import responses
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.errors import Refused, Rejected
from feira.services.catalog.application.change_category import ChangeCategory
from feira.services.catalog.application.create_category import CreateCategory
from feira.services.catalog.application.ports import CatalogQueries
from feira.services.catalog.application.remove_category import RemoveCategory
from feira.services.catalog.domain.category import CATEGORY_NOT_FOUND, Category
from feira.services.catalog.entrypoints.bodies import CategoryBody, NewCategoryBody
from feira.services.catalog.entrypoints.views import (
    CategoryListView,
    CategoryView,
    CategoryWithChildrenView,
    category_answer,
    category_list_view,
    category_with_children_view,
    removed_answer,
)


def category_routes(lane: Lane[Any], queries: CatalogQueries) -> Router:
    router = Router(tags=["categories"])

    @router.get("/categories", responses=responses({200: CategoryListView}))
    async def find_categories(page: Pagination) -> Response:
        """All categories, a page; parents before what is in them."""
        tree = await queries.categories()
        view = category_list_view(tree, page=page.page, limit=page.limit)
        return to_response(json_answer(200, view))

    @router.get(
        "/categories/{category_id}", responses=responses({200: CategoryWithChildrenView, 404: None})
    )
    async def show_category(category_id: PositiveId) -> Response:
        tree = await queries.categories()
        category = tree.get(category_id)
        if category is None:
            raise Rejected(CATEGORY_NOT_FOUND)
        return to_response(json_answer(200, category_with_children_view(category, tree)))

    @router.post(
        "/categories", status_code=201, responses=responses({201: CategoryView, 409: None})
    )
    async def create_category(
        body: NewCategoryBody, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        answer = await lane.submit(
            CreateCategory(body.name, body.parent_id),
            origin=origin,
            idempotency=key,
            answer_with=_answering(201, "/categories"),
        )
        return to_response(answer)

    @router.put(
        "/categories/{category_id}", responses=responses({200: CategoryView, 404: None, 409: None})
    )
    async def change_category(
        category_id: PositiveId,
        body: CategoryBody,
        _admin: AdminPrincipal,
        origin: RequestOrigin,
        key: Idempotency,
    ) -> Response:
        """Rename a category or move it; what is left out stays, `parent_id: null` is the top."""
        moves = "parent_id" in body.model_fields_set
        answer = await lane.submit(
            ChangeCategory(category_id, body.name, body.parent_id, moves),
            origin=origin,
            idempotency=key,
            answer_with=_answering(200, f"/categories/{category_id}"),
        )
        return to_response(answer)

    @router.delete(
        "/categories/{category_id}",
        status_code=204,
        responses=responses({204: None, 404: None, 409: None}),
    )
    async def remove_category(
        category_id: PositiveId, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        """Remove a category that neither categories nor products are in."""
        answer = await lane.submit(
            RemoveCategory(category_id),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: removed_answer(outcome, f"/categories/{category_id}"),
        )
        return to_response(answer)

    return router


def _answering(status: int, path: str) -> Callable[[Category | Refused], Answer]:
    return lambda outcome: category_answer(outcome, status, path)
