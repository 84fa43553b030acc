"""What the catalog does, on memory and on PostgreSQL alike."""

from random import Random

import pytest

from feira.contracts.catalog import ProductChanged, ProductRemoved
from feira.kernel.errors import Refused
from feira.services.catalog.application.announce_products import (
    AnnounceProducts,
    ContinueAnnouncement,
)
from feira.services.catalog.application.change_category import ChangeCategory
from feira.services.catalog.application.change_product import ChangeProduct
from feira.services.catalog.application.create_category import CreateCategory
from feira.services.catalog.application.create_product import CreateProduct
from feira.services.catalog.application.ensure_categories import EnsureCategories, SeedCategory
from feira.services.catalog.application.ensure_products import EnsureProducts
from feira.services.catalog.application.ports import ProductFilter, ShownProduct, Sort
from feira.services.catalog.application.remove_category import RemoveCategory
from feira.services.catalog.application.remove_product import RemoveProduct
from feira.services.catalog.domain.category import CATEGORY_IN_USE
from feira.services.catalog.domain.product import CODE_TAKEN, PRODUCT_NOT_FOUND, Changes, Draft
from tests.unit.catalog.world import (
    World,
    check_catalog,
    draft,
    in_memory,
    level,
    random_commands,
    random_split,
    seed,
)


async def shown(world: World, product_id: int) -> ShownProduct:
    found = await world.queries.get_product(product_id)
    assert found is not None
    return found


async def found_ids(world: World, sort: Sort = Sort.ID, **wanted: object) -> list[int]:
    asked = ProductFilter(**wanted)  # type: ignore[arg-type]
    found, total = await world.queries.find_products(asked, sort, offset=0, products_max=100)
    assert total == len(found)
    return [each.product.id for each in found]


# --- products ------------------------------------------------------------------------------------


async def test_a_product_is_created_told_and_shown(world: World) -> None:
    await world.with_shelf()
    wanted = Draft("NEW", 'Ünï "x" \\', 19_99, "Text", (3, 2), b'{"size":"L","n":1.50}')
    told = await world.do(CreateProduct(wanted, 4))
    (outcome,) = told.outcomes
    assert outcome == await shown(world, outcome.product.id)
    assert [category.name for category in outcome.categories] == ["Books", "Dolls"]
    assert (outcome.product.attributes, outcome.stock) == (wanted.attributes, 4)
    assert told.messages == [
        ProductChanged(
            product_id=outcome.product.id,
            code="NEW",
            name=wanted.name,
            price_cents=19_99,
            version=1,
            initial_stock=4,
        )
    ]


async def test_a_code_belongs_to_one_live_product(world: World) -> None:
    await world.with_shelf()
    told = await world.do(
        CreateProduct(draft("DOLL")),
        CreateProduct(draft("NEW")),
        CreateProduct(draft("NEW")),
        ChangeProduct(12, Changes(code="DOLL")),
        ChangeProduct(12, Changes(code="BOOK", price_cents=1)),
    )
    taken = [outcome is CODE_TAKEN for outcome in told.outcomes]
    assert taken == [True, False, True, True, False]
    assert len(told.messages) == 2


async def test_codes_pass_from_product_to_product_in_one_batch(world: World) -> None:
    await world.with_shelf()
    told = await world.do(
        ChangeProduct(11, Changes(code="X")),
        ChangeProduct(12, Changes(code="DOLL")),
        ChangeProduct(13, Changes(code="BOOK")),
        ChangeProduct(11, Changes(code="ROCK")),
        RemoveProduct(13),
        CreateProduct(draft("BOOK")),
    )
    assert not any(isinstance(outcome, Refused) for outcome in told.outcomes)
    products = (await world.read()).products
    assert {key: products[key].code for key in (11, 12)} == {11: "ROCK", 12: "DOLL"}
    assert sorted(p.code for p in products.values() if not p.removed) == ["BOOK", "DOLL", "ROCK"]


async def test_a_change_is_told_with_the_next_version_and_no_change_is_not(world: World) -> None:
    await world.with_shelf()
    told = await world.do(
        ChangeProduct(11, Changes(price_cents=11_00)),
        ChangeProduct(11, Changes(price_cents=11_00)),
        ChangeProduct(11, Changes(name="Doll", category_ids=())),
    )
    versions = [(message.version, message.price_cents) for message in told.messages]  # type: ignore[attr-defined]
    assert versions == [(2, 11_00), (3, 11_00)]
    assert [outcome.product.version for outcome in told.outcomes] == [2, 2, 3]
    after = await shown(world, 11)
    assert (after.product.name, after.categories) == ("Doll", ())


async def test_a_removed_product_is_gone_and_its_code_free(world: World) -> None:
    await world.with_shelf()
    told = await world.do(
        RemoveProduct(11), RemoveProduct(11), ChangeProduct(11, Changes(name="x"))
    )
    assert told.outcomes == [None, PRODUCT_NOT_FOUND, PRODUCT_NOT_FOUND]
    assert told.messages == [ProductRemoved(product_id=11, version=2)]
    assert await world.queries.get_product(11) is None
    assert await found_ids(world) == [12, 13]
    (outcome,) = (await world.do(CreateProduct(draft("DOLL")))).outcomes
    assert isinstance(outcome, ShownProduct)


async def test_unknown_categories_are_refused_by_their_places(world: World) -> None:
    await world.with_shelf()
    told = await world.do(
        CreateProduct(draft("NEW", categories=(1, 77))),
        ChangeProduct(11, Changes(category_ids=(77, 1))),
    )
    pointers = [[error.pointer for error in outcome.errors] for outcome in told.outcomes]
    assert pointers == [["/categories/1"], ["/categories/0"]]
    assert told.messages == []


async def test_two_hundred_seeded_products_come_once(world: World) -> None:
    seeds = tuple(seed(number, f"P-{number}", initial_stock=100) for number in range(1, 201))
    told = await world.do(EnsureProducts(seeds))
    assert (told.outcomes, len(told.messages)) == ([200], 200)
    await world.do(ChangeProduct(7, Changes(price_cents=5)), RemoveProduct(8))
    again = await world.do(EnsureProducts(seeds))
    assert (again.outcomes, again.messages) == ([0], [])
    assert (await shown(world, 7)).product.price_cents == 5
    page, total = await world.queries.find_products(
        ProductFilter(), Sort.ID, offset=190, products_max=100
    )
    assert (len(page), total) == (9, 199)


async def test_a_seed_that_takes_anothers_code_changes_nothing(world: World) -> None:
    await world.with_shelf()
    told = await world.do(EnsureProducts((seed(21, "FREE"), seed(22, "DOLL"))))
    assert told.outcomes == [CODE_TAKEN]
    assert await found_ids(world) == [11, 12, 13]


# --- stock ---------------------------------------------------------------------------------------


async def test_what_is_shown_is_what_can_still_be_sold(world: World) -> None:
    await world.with_shelf()
    assert (await shown(world, 11)).stock == 5, "asked for, and not yet counted by inventory"
    await world.do(level(11, 3, 2), level(11, 4, 1))
    assert (await shown(world, 11)).stock == 3
    await world.do(level(11, 9, 1))
    assert (await shown(world, 11)).stock == 3, "an old level changes nothing"
    told = await world.do(level(11, 0, 3), ChangeProduct(11, Changes(name="Doll")))
    assert told.outcomes[1].stock == 0


async def test_levels_of_unknown_products_wait_for_them(world: World) -> None:
    await world.do(level(50, 8, 1))
    await world.do(EnsureProducts((seed(50, "LATE", initial_stock=1),)))
    assert (await shown(world, 50)).stock == 8


# --- finding -------------------------------------------------------------------------------------


async def test_products_are_found_by_what_they_are(world: World) -> None:
    await world.with_shelf()
    assert await found_ids(world) == [11, 12, 13]
    assert await found_ids(world, category_id=2) == [11]
    assert await found_ids(world, category_id=1) == [11], "toys take in dolls"
    assert await found_ids(world, category_id=99) == []
    assert await found_ids(world, min_price_cents=15_00) == [12, 13]
    assert await found_ids(world, min_price_cents=11_00, max_price_cents=15_00) == [13]
    assert await found_ids(world, available=True) == [11, 13]
    assert await found_ids(world, available=False) == [12]
    await world.do(level(11, 0, 1), level(12, 1, 1))
    assert await found_ids(world, available=True) == [12, 13]
    assert await found_ids(world, available=True, max_price_cents=15_00) == [13]


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        (Sort.ID, [11, 12, 13]),
        (Sort.ID_DOWN, [13, 12, 11]),
        (Sort.NAME, [12, 11, 13]),
        (Sort.NAME_DOWN, [13, 11, 12]),
        (Sort.PRICE, [11, 13, 12]),
        (Sort.PRICE_DOWN, [12, 13, 11]),
    ],
)
async def test_products_are_sorted(world: World, sort: Sort, ids: list[int]) -> None:
    await world.with_shelf()
    assert await found_ids(world, sort) == ids
    page, total = await world.queries.find_products(ProductFilter(), sort, offset=1, products_max=1)
    assert ([each.product.id for each in page], total) == (ids[1:2], 3)


# --- categories ----------------------------------------------------------------------------------


async def test_a_category_in_use_stays(world: World) -> None:
    await world.with_shelf()
    told = await world.do(RemoveCategory(1), RemoveCategory(2), RemoveCategory(3))
    assert told.outcomes == [CATEGORY_IN_USE] * 3
    told = await world.do(
        RemoveProduct(11), RemoveCategory(1), RemoveCategory(2), RemoveCategory(1)
    )
    assert told.outcomes == [None, CATEGORY_IN_USE, None, None]
    assert set((await world.read()).categories_by_id) == {3}


async def test_a_product_put_into_a_category_earlier_in_the_batch_counts(world: World) -> None:
    await world.with_shelf()
    told = await world.do(
        EnsureCategories((SeedCategory(4, "Stones"),)),
        ChangeProduct(13, Changes(category_ids=(4,))),
        RemoveCategory(4),
        ChangeProduct(13, Changes(category_ids=())),
        RemoveCategory(4),
    )
    assert told.outcomes[2] is CATEGORY_IN_USE
    assert told.outcomes[4] is None
    assert 4 not in (await world.read()).categories_by_id


async def test_categories_are_made_renamed_moved_and_unmade_in_one_batch(world: World) -> None:
    await world.with_shelf()
    (made,) = (await world.do(CreateCategory("Games", 1))).outcomes
    told = await world.do(
        ChangeCategory(made.id, "Board games", None, moves=True),
        ChangeCategory(1, None, made.id, moves=True),
        ChangeCategory(made.id, None, 2, moves=True),
        ChangeCategory(99, "nothing"),
    )
    assert [getattr(outcome, "code", "done") for outcome in told.outcomes] == [
        "done",
        "done",
        "category_cycle",
        "category_not_found",
    ]
    tree = await world.queries.categories()
    assert tree.line_of(2) == [2, 1, made.id]
    assert (await shown(world, 11)).categories[0].name == "Dolls"


async def test_a_category_may_come_back_in_the_batch_that_removed_it(world: World) -> None:
    seeded = EnsureCategories((SeedCategory(1, "Toys"),))
    await world.do(seeded)
    told = await world.do(
        RemoveCategory(1), EnsureCategories((SeedCategory(1, "Games"), SeedCategory(2, "Chess", 1)))
    )
    assert told.outcomes == [None, 2]
    assert (await world.queries.categories()).line_of(2) == [2, 1]
    told = await world.do(RemoveCategory(2), RemoveCategory(1), seeded, RemoveCategory(1))
    assert told.outcomes == [None, None, 1, None]
    assert (await world.read()).categories_by_id == {}


# --- announcements -------------------------------------------------------------------------------


async def test_everything_is_told_anew_a_page_at_a_time(world: World) -> None:
    await world.with_shelf()
    await world.do(RemoveProduct(12), ChangeProduct(13, Changes(price_cents=1)))
    assert (await world.do(ContinueAnnouncement(2))).messages == [], "none is under way"
    await world.do(AnnounceProducts())
    pages = [(await world.do(ContinueAnnouncement(2))).messages for _ in range(3)]
    assert [[type(message) for message in page] for page in pages] == [
        [ProductChanged, ProductRemoved],
        [ProductChanged],
        [],
    ]
    again = [message for page in pages for message in page]
    assert [(m.product_id, m.version) for m in again] == [(11, 1), (12, 2), (13, 2)]  # type: ignore[attr-defined]
    assert again[0].initial_stock == 5  # type: ignore[attr-defined]


async def test_an_announcement_begins_again_when_asked_again(world: World) -> None:
    await world.with_shelf()
    await world.do(AnnounceProducts(), ContinueAnnouncement(2))
    told = await world.do(AnnounceProducts(), ContinueAnnouncement(2), ContinueAnnouncement(2))
    assert told.outcomes == [None, 2, 1]
    assert not (await world.read()).announcement


# --- any story -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(6))
async def test_any_story_ends_as_it_does_in_memory(world: World, number: int) -> None:
    chance, model = Random(number), in_memory()
    for batch in random_split(chance, random_commands(chance, 120)):
        expected, told = await model.do(*batch), await world.do(*batch)
        assert told == expected
        catalog = await world.read()
        assert catalog == await model.read()
        check_catalog(catalog)
