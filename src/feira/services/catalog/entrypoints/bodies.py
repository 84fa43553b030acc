"""Bodies of the catalog API, as administrators send them (K1, E1, E16)."""

from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from pydantic import AfterValidator, BaseModel, Field

from feira.chassis.http.fields import Amount, PositiveId, Text, is_storable, wrong_field
from feira.kernel.ids import NUMBER_MAX
from feira.services.catalog.application.create_product import CreateProduct
from feira.services.catalog.domain.category import NAME_LENGTH_MAX as CATEGORY_NAME_LENGTH_MAX
from feira.services.catalog.domain.product import (
    ATTRIBUTES_MAX,
    CATEGORIES_A_PRODUCT_MAX,
    CODE_LENGTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    INITIAL_STOCK_MAX,
    NAME_LENGTH_MAX,
    PRICE_CENTS_MAX,
    PRICE_CENTS_MIN,
    Changes,
    Draft,
)

ATTRIBUTE_NAME_LENGTH_MAX: Final = 100
ATTRIBUTE_TEXT_LENGTH_MAX: Final = 1_000
ATTRIBUTE_DIGITS_MAX: Final = 15
STOCK_IS_ELSEWHERE: Final = (
    "is kept by inventory: POST /inventory/{id}/receipts, …/adjustments or …/counts"
)

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def _price(cents: int) -> int:
    if not PRICE_CENTS_MIN <= cents <= PRICE_CENTS_MAX:
        raise ValueError("must be at least 0.01")
    return cents


def _attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    for name, value in attributes.items():
        if not (1 <= len(name) <= ATTRIBUTE_NAME_LENGTH_MAX and is_storable(name)):
            raise ValueError(f"names must have 1 to {ATTRIBUTE_NAME_LENGTH_MAX} characters")
        if not _is_attribute(value):
            raise ValueError(
                f"values must be true, false, a number of at most {ATTRIBUTE_DIGITS_MAX} digits, "
                f"or a text of at most {ATTRIBUTE_TEXT_LENGTH_MAX} characters"
            )
    return attributes


def _is_attribute(value: Any) -> bool:
    match value:
        case bool():
            return True
        case int():
            return abs(value) <= NUMBER_MAX
        case Decimal():
            _, digits, exponent = value.as_tuple()
            most = ATTRIBUTE_DIGITS_MAX
            return isinstance(exponent, int) and len(digits) <= most and abs(exponent) <= most
        case str():
            return len(value) <= ATTRIBUTE_TEXT_LENGTH_MAX and is_storable(value)
        case _:
            return False


Code = Annotated[str, Text(max_length=CODE_LENGTH_MAX)]
Name = Annotated[str, Text(max_length=NAME_LENGTH_MAX)]
Description = Annotated[str, Text(max_length=DESCRIPTION_LENGTH_MAX, min_length=0)]
Price = Annotated[Amount, AfterValidator(_price)]
Stock = Annotated[int, Field(strict=True, ge=0, le=INITIAL_STOCK_MAX)]
CategoryIds = Annotated[list[PositiveId], Field(max_length=CATEGORIES_A_PRODUCT_MAX)]
Attributes = Annotated[
    dict[str, Any], Field(max_length=ATTRIBUTES_MAX), AfterValidator(_attributes)
]
CategoryName = Annotated[str, Text(max_length=CATEGORY_NAME_LENGTH_MAX)]


class NewProductBody(BaseModel):
    """`stock` is the first receipt; `categories` are ids; `attributes` texts, numbers, booleans."""

    code: Code
    name: Name
    price: Price
    stock: Stock = 0
    description: Description = ""
    categories: CategoryIds = []
    attributes: Attributes = {}


class ProductBody(BaseModel):
    """What is left out stays as it is."""

    code: Code | None = None
    name: Name | None = None
    price: Price | None = None
    description: Description | None = None
    categories: CategoryIds | None = None
    attributes: Attributes | None = None
    stock: Annotated[Any, Field(description=STOCK_IS_ELSEWHERE, deprecated=True)] = None


class NewCategoryBody(BaseModel):
    name: CategoryName
    parent_id: PositiveId | None = None


class CategoryBody(BaseModel):
    """What is left out stays as it is; `parent_id: null` is the top."""

    name: CategoryName | None = None
    parent_id: PositiveId | None = None


def creation_of(body: NewProductBody) -> CreateProduct:
    draft = Draft(
        code=body.code,
        name=body.name,
        price_cents=body.price,
        description=body.description,
        category_ids=tuple(body.categories),
        attributes=_encode(body.attributes),
    )
    return CreateProduct(draft, body.stock)


def changes_of(body: ProductBody) -> Changes:
    """Raises `Rejected` (422) where `stock` is given."""
    if "stock" in body.model_fields_set:
        raise wrong_field("/stock", STOCK_IS_ELSEWHERE)
    return Changes(
        code=body.code,
        name=body.name,
        price_cents=body.price,
        description=body.description,
        category_ids=None if body.categories is None else tuple(body.categories),
        attributes=None if body.attributes is None else _encode(body.attributes),
    )
