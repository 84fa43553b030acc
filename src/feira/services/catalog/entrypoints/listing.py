"""What a customer may ask of the list of products, from the query of the address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from feira.chassis.http.fields import (
    PAGE_LIMIT_DEFAULT,
    PAGE_LIMIT_MAX,
    PAGE_MAX,
    parse_amount,
    parse_id,
)
from feira.kernel.errors import Category, FieldError, Refused, Rejected
from feira.services.catalog.application.ports import ProductFilter, Sort

T = TypeVar("T")

_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}

DESCRIPTION: Final = f"""
The query: `category` (an id; takes in what is inside it), `min_price`, `max_price`, `available`
(true or false), `sort` ({", ".join(Sort)}; by default `id`), `page` (from 1) and `limit`
(1 to {PAGE_LIMIT_MAX}, by default {PAGE_LIMIT_DEFAULT}).
""".strip()


@dataclass(frozen=True, slots=True)
class Listing:
    wanted: ProductFilter
    sort: Sort
    page: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


def listing_of(query: Mapping[str, str]) -> Listing:
    """Raises `Rejected` (422) that names every wrong field."""
    fields = _Fields(query)
    listing = Listing(
        ProductFilter(
            category_id=fields.read("category", parse_id, None),
            min_price_cents=fields.read("min_price", parse_amount, None),
            max_price_cents=fields.read("max_price", parse_amount, None),
            available=fields.read("available", _boolean, None),
        ),
        fields.read("sort", _sort, Sort.ID),
        fields.read("page", lambda text: _whole(text, PAGE_MAX), 1),
        fields.read("limit", lambda text: _whole(text, PAGE_LIMIT_MAX), PAGE_LIMIT_DEFAULT),
    )
    fields.check()
    return listing


class _Fields:
    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self._errors: list[FieldError] = []

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._query.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._errors.append(FieldError(f"/{name}", str(error)))
            return default

    def check(self) -> None:
        if self._errors:
            detail = "The request has values that do not fit."
            errors = tuple(self._errors)
            raise Rejected(Refused(Category.INVALID, "invalid_parameter", detail, errors))


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[text]


def _sort(text: str) -> Sort:
    if text not in Sort.__members__.values():
        raise ValueError(f"must be one of {', '.join(Sort)}")
    return Sort(text)


def _whole(text: str, most: int) -> int:
    is_whole = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_whole or not 1 <= int(text) <= most:
        raise ValueError(f"must be a whole number from 1 to {most}")
    return int(text)
