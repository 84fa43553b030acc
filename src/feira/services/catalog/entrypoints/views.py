"""What the catalog API answers (E1)."""

import msgspec

from feira.chassis.http.answers import NO_CONTENT, amount, json_answer
from feira.chassis.http.problems import problem_answer
from feira.chassis.work import Answer
from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import ShownProduct
from feira.services.catalog.domain.category import Category, CategoryTree


class NamedCategoryView(msgspec.Struct):
    id: int
    name: str


class ProductView(msgspec.Struct):
    """`stock` is what can still be sold: reserved units are not in it."""

    id: int
    code: str
    name: str
    description: str
    price: float
    stock: int
    images: list[str]
    categories: list[NamedCategoryView]
    attributes: msgspec.Raw


class ProductListView(msgspec.Struct):
    items: list[ProductView]
    total: int
    page: int
    limit: int


class CategoryView(msgspec.Struct):
    id: int
    name: str
    parent_id: int | None


class CategoryListView(msgspec.Struct):
    """Parents come before what is in them."""

    items: list[CategoryView]
    total: int
    page: int
    limit: int


class CategoryWithChildrenView(msgspec.Struct):
    id: int
    name: str
    parent_id: int | None
    children: list[CategoryView]


def product_view(shown: ShownProduct) -> ProductView:
    product = shown.product
    return ProductView(
        id=product.id,
        code=product.code,
        name=product.name,
        description=product.description,
        price=amount(product.price_cents),
        stock=shown.stock,
        images=[],
        categories=[NamedCategoryView(each.id, each.name) for each in shown.categories],
        attributes=msgspec.Raw(product.attributes),
    )


def category_view(category: Category) -> CategoryView:
    return CategoryView(category.id, category.name, category.parent_id)


def category_list_view(tree: CategoryTree, *, page: int, limit: int) -> CategoryListView:
    ordered = sorted(tree, key=lambda category: tree.line_of(category.id)[::-1])
    offset = (page - 1) * limit
    items = [category_view(category) for category in ordered[offset : offset + limit]]
    return CategoryListView(items, len(ordered), page, limit)


def category_with_children_view(category: Category, tree: CategoryTree) -> CategoryWithChildrenView:
    children = [category_view(child) for child in tree if child.parent_id == category.id]
    return CategoryWithChildrenView(category.id, category.name, category.parent_id, children)


def product_answer(outcome: ShownProduct | Refused, status: int, path: str) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(status, product_view(outcome))


def category_answer(outcome: Category | Refused, status: int, path: str) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(status, category_view(outcome))


def removed_answer(outcome: Refused | None, path: str) -> Answer:
    return NO_CONTENT if outcome is None else problem_answer(outcome, path)
