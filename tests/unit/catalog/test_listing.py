"""What may be asked of the list of products."""

import pytest

from feira.kernel.errors import Rejected
from feira.services.catalog.application.ports import ProductFilter, Sort
from feira.services.catalog.entrypoints.listing import Listing, listing_of


def test_nothing_asked_is_the_first_page_of_all() -> None:
    assert listing_of({}) == Listing(ProductFilter(), Sort.ID, 1, 20)
    assert listing_of({"category": "", "q": "what is not known is left alone"}) == listing_of({})


def test_everything_asked() -> None:
    query = {
        "category": "7",
        "min_price": "1.5",
        "max_price": "20",
        "available": "true",
        "sort": "-price",
        "page": "3",
        "limit": "50",
    }
    listing = listing_of(query)
    assert listing == Listing(ProductFilter(7, 1_50, 20_00, available=True), Sort.PRICE_DOWN, 3, 50)
    assert listing.offset == 100


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("category", "0"),
        ("category", "seven"),
        ("category", "9" * 40),
        ("min_price", "1.005"),
        ("min_price", "-1"),
        ("max_price", "NaN"),
        ("max_price", "1e999999999"),
        ("available", "maybe"),
        ("sort", "stock"),
        ("page", "0"),
        ("page", "²"),
        ("page", "9" * 400),
        ("limit", "101"),
        ("limit", "-1"),
    ],
)
def test_what_does_not_fit_is_named(name: str, text: str) -> None:
    with pytest.raises(Rejected) as caught:
        listing_of({name: text})
    refused = caught.value.refused
    assert refused.code == "invalid_parameter"
    assert [error.pointer for error in refused.errors] == [f"/{name}"]
