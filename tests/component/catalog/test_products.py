"""Products over the API: what administrators keep and customers see (K1, B2, E1, E16)."""

import asyncio
from typing import Any

import pytest

from feira.contracts.inventory import StockLevelChanged
from feira.services.catalog.application.announce_products import AnnounceProducts
from feira.services.catalog.application.ensure_categories import EnsureCategories, SeedCategory
from feira.services.catalog.application.ensure_products import EnsureProducts, SeedProduct
from feira.services.catalog.domain.product import Draft
from tests.component.catalog.conftest import Shop, until

ATTRIBUTES = {"size": "L", "weight": 1.25, "fragile": True, "pieces": 3}


async def test_a_product_from_its_creation_to_its_end(shop: Shop) -> None:
    toys = await shop.category("Toys")
    made = await shop.product(
        price=19.99, description="Ünï", categories=[toys], attributes=ATTRIBUTES
    )
    path = f"/products/{made['id']}"
    assert made == {
        "id": made["id"],
        "code": "DOLL",
        "name": "Doll",
        "description": "Ünï",
        "price": 19.99,
        "stock": 5,
        "images": [],
        "categories": [{"id": toys, "name": "Toys"}],
        "attributes": ATTRIBUTES,
    }
    assert (await shop.api.get(path)).json == made
    changed = await shop.admin.put(path, {"price": 24.5, "categories": []})
    assert changed.status == 200
    assert changed.json == made | {"price": 24.5, "categories": []}
    assert (await shop.api.get(path)).json == changed.json
    removed = await shop.admin.delete(path)
    assert (removed.status, removed.body) == (204, b"")
    assert (await shop.api.get(path)).code == "product_not_found"
    assert (await shop.admin.delete(path)).status == 404
    assert (await shop.admin.put(path, {"price": 1})).status == 404
    assert (await shop.api.get("/products")).json["total"] == 0


async def test_the_world_hears_of_a_product_and_its_first_receipt(shop: Shop) -> None:
    made = await shop.product(price=19.99, stock=7)

    async def heard() -> bool:
        return bool(shop.told)

    await until(heard)
    (news,) = shop.told
    assert (news.product_id, news.code, news.price_cents) == (made["id"], "DOLL", 19_99)
    assert (news.version, news.initial_stock) == (1, 7)


async def test_the_stock_shown_is_what_inventory_says(shop: Shop) -> None:
    made = await shop.product(stock=5)
    await shop.hear(
        StockLevelChanged(product_id=made["id"], on_hand=5, reserved=3, available=2, version=2)
    )

    async def shows_two() -> bool:
        found: int = (await shop.api.get(f"/products/{made['id']}")).json["stock"]
        return found == 2

    assert await until(shows_two)
    changed = await shop.admin.put(f"/products/{made['id']}", {"name": "Doll again"})
    assert changed.json["stock"] == 2


async def test_everything_is_said_again_when_the_broker_lost_it(shop: Shop) -> None:
    made = await shop.product(stock=5)
    origin = shop.service.started_by("broker-lost")
    await shop.service.lane.ask(AnnounceProducts(), origin=origin)

    async def heard_again() -> bool:
        return len(shop.told) >= 2

    await until(heard_again)
    assert shop.told[0] == shop.told[1]
    assert shop.told[0].product_id == made["id"]


async def test_a_code_is_taken_until_its_product_is_removed(shop: Shop) -> None:
    first = await shop.product()
    body = {"code": "DOLL", "name": "Other", "price": 1}
    refused = await shop.admin.post("/products", body)
    assert (refused.status, refused.code) == (409, "code_taken")
    assert refused.json["instance"] == "/products"
    await shop.admin.delete(f"/products/{first['id']}")
    assert (await shop.admin.post("/products", body)).status == 201


async def test_fifty_equal_requests_with_one_key_make_one_product(shop: Shop) -> None:
    body = {"code": "ONCE", "name": "Once", "price": 1}
    headers = {"Idempotency-Key": "key-1"}
    answers = await asyncio.gather(
        *(shop.admin.post("/products", body, headers=headers) for _ in range(50))
    )
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert (await shop.api.get("/products")).json["total"] == 1
    other = await shop.admin.post("/products", body | {"price": 2}, headers=headers)
    assert (other.status, other.code) == (422, "idempotency_key_reused")


async def test_only_administrators_keep_products(shop: Shop) -> None:
    made = await shop.product()
    path = f"/products/{made['id']}"
    body = {"code": "X", "name": "X", "price": 1}
    for client, status in ((shop.api, 401), (shop.customer, 403)):
        assert (await client.post("/products", body)).status == status
        assert (await client.put(path, {"price": 1})).status == status
        assert (await client.delete(path)).status == status
    assert (await shop.api.get(path)).json == made


async def test_stock_is_not_changed_here(shop: Shop) -> None:
    made = await shop.product()
    for stock in (9, None):
        refused = await shop.admin.put(f"/products/{made['id']}", {"stock": stock, "price": 1})
        assert (refused.status, refused.code) == (422, "invalid_body")
        (error,) = refused.json["errors"]
        assert error["pointer"] == "/stock"
        assert "/inventory/" in error["detail"]
    assert (await shop.api.get(f"/products/{made['id']}")).json == made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", ""),
        ("code", "x" * 65),
        ("code", None),
        ("code", 7),
        ("name", "x" * 201),
        ("name", ["Doll"]),
        ("price", 0),
        ("price", -1),
        ("price", 1.005),
        ("price", 1e300),
        ("price", 10**400),
        ("price", "1.00x"),
        ("price", True),
        ("stock", -1),
        ("stock", 1.5),
        ("stock", "5"),
        ("stock", 10**30),
        ("description", "x" * 10_001),
        ("categories", [0]),
        ("categories", ["x"]),
        ("categories", list(range(1, 30))),
        ("categories", 7),
        ("categories", [2**70]),
        ("attributes", []),
        ("attributes", {"a": [1]}),
        ("attributes", {"a": None}),
        ("attributes", {"a": 10**40}),
        ("attributes", {"": 1}),
        ("attributes", {"a": "x" * 1001}),
        ("attributes", {str(number): 1 for number in range(51)}),
    ],
)
async def test_bad_values_are_refused_by_name(shop: Shop, field: str, value: Any) -> None:
    body = {"code": "C", "name": "N", "price": 1} | {field: value}
    refused = await shop.admin.post("/products", body)
    assert refused.status == 422, refused.body
    pointers = [error["pointer"] for error in refused.json["errors"]]
    assert pointers[0].startswith(f"/{field}")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"code": "a\\u0000", "name": "n", "price": 1}', 422),
        (b'{"code": "a", "name": "\\ud800", "price": 1}', 422),
        (b'{"code": "a", "name": "n", "price": 1, "attributes": {"\\u0000": 1}}', 422),
        (b'{"code": "a", "name": "n", "price": 1e999999999}', 422),
        (b'{"code": "a", "name": "n", "price": 1, "attributes": {"x": 1e999999}}', 422),
        (b'{"code": "a", "name": "n", "price": NaN}', 400),
        (b'{"code": "a", "name": "n", "price": 1', 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b"", 400),
    ],
)
async def test_what_no_product_is_made_of(shop: Shop, body: bytes, status: int) -> None:
    refused = await shop.admin.send("POST", "/products", body=body)
    assert refused.status == status, refused.body
    assert refused.code


@pytest.mark.parametrize("number", ["0", "01", "-1", "9" * 30, "%00"])
async def test_an_address_that_is_no_id_is_no_product(shop: Shop, number: str) -> None:
    assert 400 <= (await shop.api.get(f"/products/{number}")).status < 500
    assert 400 <= (await shop.admin.put(f"/products/{number}", {"price": 1})).status < 500
    assert 400 <= (await shop.admin.delete(f"/products/{number}")).status < 500


async def test_the_list_has_pages_filters_and_an_order(shop: Shop) -> None:
    toys = await shop.category("Toys")
    dolls = await shop.category("Dolls", toys)
    for number, price in enumerate((30, 10, 20), 1):
        inside = [dolls] if number == 1 else []
        await shop.product(
            code=f"P{number}", name=f"P{number}", price=price, stock=number - 1, categories=inside
        )

    async def codes(query: str) -> list[str]:
        answer = await shop.api.get(f"/products?{query}")
        assert answer.status == 200, answer.body
        return [item["code"] for item in answer.json["items"]]

    page = (await shop.api.get("/products?limit=2&page=2&sort=-price")).json
    assert (page["total"], page["page"], page["limit"]) == (3, 2, 2)
    assert [item["code"] for item in page["items"]] == ["P2"]
    assert await codes("") == ["P1", "P2", "P3"]
    assert await codes("sort=price") == ["P2", "P3", "P1"]
    assert await codes(f"category={toys}") == ["P1"]
    assert await codes("min_price=10.01&max_price=20") == ["P3"]
    assert await codes("available=true&sort=-name") == ["P3", "P2"]
    assert await codes("page=9") == []
    refused = await shop.api.get("/products?limit=1000&sort=x")
    assert (refused.status, refused.code) == (422, "invalid_parameter")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/sort", "/limit"]


async def test_operators_seed_the_catalog_once(shop: Shop) -> None:
    categories = EnsureCategories((SeedCategory(1, "Toys"), SeedCategory(2, "Dolls", 1)))
    products = EnsureProducts(
        tuple(
            SeedProduct(at, Draft(f"S-{at}", f"Seed {at}", 1000, category_ids=(2,)), 100)
            for at in range(1, 201)
        )
    )
    lane, origin = shop.service.lane, shop.service.started_by("seed")
    for are_new in ([2, 200], [0, 0]):
        asked = [await lane.ask(command, origin=origin) for command in (categories, products)]
        assert asked == are_new
    assert (await shop.api.get("/products?category=1")).json["total"] == 200
    assert (await shop.api.get("/products/7")).json["stock"] == 100
