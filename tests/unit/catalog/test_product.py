"""The product and its code, without anything around it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from feira.services.catalog.application.publishing import product_news
from feira.services.catalog.domain.product import (
    Changes,
    CodeBook,
    Draft,
    Product,
    change,
    create,
    remove,
)
from tests.unit.catalog.world import START, draft


def product(product_id: int = 1, code: str = "A") -> Product:
    return create(product_id, draft(code), 3, START)


def test_a_change_raises_the_version_and_no_change_does_not() -> None:
    doll = product()
    assert change(doll, Changes(name="Doll", price_cents=12_00))
    assert (doll.name, doll.price_cents, doll.version) == ("Doll", 12_00, 2)
    assert not change(doll, Changes(name="Doll"))
    assert not change(doll, Changes())
    assert doll.version == 2


def test_what_is_not_mentioned_stays() -> None:
    doll = create(1, Draft("A", "Doll", 100, "Nice", (1, 2), b'{"a":1}'), 0, START)
    before = replace(doll)
    change(doll, Changes(description=""))
    assert replace(doll, description="Nice", version=1) == before


def test_a_category_is_named_once() -> None:
    assert create(1, draft(categories=(3, 1, 3)), 0, START).category_ids == (3, 1)


def test_a_removal_is_news_of_a_higher_version() -> None:
    doll = product()
    first = product_news(doll)
    remove(doll)
    assert product_news(doll).version > first.version


def test_the_first_receipt_is_said_every_time() -> None:
    doll = product()
    change(doll, Changes(name="Doll"))
    news = product_news(doll)
    assert getattr(news, "initial_stock", None) == 3


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ABC"), st.booleans()), max_size=30))
def test_no_two_live_products_get_one_code(wishes: list[tuple[int, str, bool]]) -> None:
    products = {number: product(number, f"own-{number}") for number in (1, 2, 3)}
    book = CodeBook({each.code: each for each in products.values()})
    for number, code, is_removal in wishes:
        each = products[number]
        if each.removed:
            continue
        if is_removal:
            remove(each)
        elif not book.is_taken(code, but_by=number):
            change(each, Changes(code=code))
            book.note(each)
        live = [found.code for found in products.values() if not found.removed]
        assert len(set(live)) == len(live)
