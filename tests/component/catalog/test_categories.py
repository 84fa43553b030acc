"""Categories over the API (E1)."""

from tests.component.catalog.conftest import Shop


async def test_the_tree_grows_moves_and_is_shown(shop: Shop) -> None:
    toys = await shop.category("Toys")
    books = await shop.category("Books")
    dolls = await shop.category("Dolls", toys)
    listed = (await shop.api.get("/categories")).json
    assert listed["total"] == 3
    assert [(item["name"], item["parent_id"]) for item in listed["items"]] == [
        ("Toys", None),
        ("Dolls", toys),
        ("Books", None),
    ]
    moved = await shop.admin.put(f"/categories/{dolls}", {"parent_id": books})
    assert moved.json == {"id": dolls, "name": "Dolls", "parent_id": books}
    renamed = await shop.admin.put(f"/categories/{dolls}", {"name": "Puppets"})
    assert renamed.json["parent_id"] == books, "what is left out stays"
    shown = (await shop.api.get(f"/categories/{books}")).json
    assert [child["name"] for child in shown["children"]] == ["Puppets"]
    risen = await shop.admin.put(f"/categories/{dolls}", {"parent_id": None})
    assert risen.json["parent_id"] is None


async def test_a_cycle_is_refused(shop: Shop) -> None:
    toys = await shop.category("Toys")
    dolls = await shop.category("Dolls", toys)
    refused = await shop.admin.put(f"/categories/{toys}", {"parent_id": dolls})
    assert (refused.status, refused.code) == (409, "category_cycle")


async def test_what_is_in_use_stays(shop: Shop) -> None:
    toys = await shop.category("Toys")
    dolls = await shop.category("Dolls", toys)
    made = await shop.product(categories=[dolls])
    for category_id in (toys, dolls):
        refused = await shop.admin.delete(f"/categories/{category_id}")
        assert (refused.status, refused.code) == (409, "category_in_use")
    await shop.admin.delete(f"/products/{made['id']}")
    assert (await shop.admin.delete(f"/categories/{dolls}")).status == 204
    assert (await shop.admin.delete(f"/categories/{toys}")).status == 204
    assert (await shop.admin.delete(f"/categories/{toys}")).code == "category_not_found"
    assert (await shop.api.get(f"/categories/{toys}")).status == 404


async def test_a_category_is_inside_one_that_exists(shop: Shop) -> None:
    for body in ({"name": "x", "parent_id": 99}, {"name": ""}, {"name": "x" * 101}, {}):
        assert (await shop.admin.post("/categories", body)).status == 422
    assert (await shop.admin.put("/categories/99", {"name": "x"})).status == 404


async def test_a_product_is_in_categories_that_exist(shop: Shop) -> None:
    toys = await shop.category("Toys")
    body = {"code": "C", "name": "N", "price": 1, "categories": [toys, 99]}
    refused = await shop.admin.post("/products", body)
    assert (refused.status, refused.code) == (422, "unknown_category")
    assert refused.json["errors"][0]["pointer"] == "/categories/1"


async def test_only_administrators_keep_categories(shop: Shop) -> None:
    toys = await shop.category("Toys")
    for client, status in ((shop.api, 401), (shop.customer, 403)):
        assert (await client.post("/categories", {"name": "x"})).status == status
        assert (await client.put(f"/categories/{toys}", {"name": "x"})).status == status
        assert (await client.delete(f"/categories/{toys}")).status == status
