"""Products are told again to whoever makes a copy of them anew, a page at a time."""

import pytest

from feira.contracts.catalog import ProductChanged, ProductRemoved, ProductsRepeated
from feira.contracts.orders import ProductsWanted
from feira.services.catalog.application.create_product import CreateProduct
from feira.services.catalog.application.remove_product import RemoveProduct
from tests.unit.catalog.world import draft, in_memory


async def test_pages_are_told_until_there_are_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    page_size = 2
    monkeypatch.setattr("feira.services.catalog.application.repeat_products.ROWS_MAX", page_size)
    world = in_memory()
    await world.do(*(CreateProduct(draft(code), 0) for code in ("A", "B", "C")))
    first, second, third = sorted((await world.read()).products)
    await world.do(RemoveProduct(second))

    told = await world.do(ProductsWanted(request_id="one", after_id=0))

    changed, removed, answer = told.messages
    assert isinstance(changed, ProductChanged)
    assert isinstance(removed, ProductRemoved), "somebody may not have heard of the removal"
    assert (changed.product_id, removed.product_id) == (first, second)
    assert answer == ProductsRepeated(request_id="one", told=2, last_id=second)

    told = await world.do(ProductsWanted(request_id="two", after_id=second))

    last, answer = told.messages
    assert isinstance(last, ProductChanged)
    assert last.product_id == third
    assert answer == ProductsRepeated(request_id="two", told=1)


async def test_nothing_is_told_of_an_empty_catalog() -> None:
    told = await in_memory().do(ProductsWanted(request_id="one", after_id=0))
    assert told.messages == [ProductsRepeated(request_id="one", told=0)]
