"""Stock items, their movements and their levels, on every database."""

from feira.contracts.inventory import StockLevelChanged
from feira.kernel.errors import Refused
from feira.services.inventory.application.announce_levels import (
    AnnounceLevels,
    ContinueAnnouncement,
)
from feira.services.inventory.application.moving import Moved
from feira.services.inventory.application.tell_levels import TellLevels
from feira.services.inventory.domain.stock import Movement, MovementKind
from tests.unit.inventory.world import (
    START,
    World,
    adjust,
    check_books,
    count,
    product,
    receive,
    reserve,
)


def level(product_id: int, on_hand: int, version: int, reserved: int = 0) -> StockLevelChanged:
    return StockLevelChanged(
        product_id=product_id,
        on_hand=on_hand,
        reserved=reserved,
        available=on_hand - reserved,
        version=version,
    )


async def test_a_product_begins_with_its_first_receipt(world: World) -> None:
    told = await world.do(product(1, initial_stock=7))
    assert told.messages == [level(1, 7, version=1)]
    (movement,) = (await world.books()).movements
    assert (movement.kind, movement.quantity, movement.reason, movement.reference) == (
        MovementKind.RECEIPT,
        7,
        "initial_stock",
        "product/1",
    )
    assert movement.at == START


async def test_the_first_receipt_counts_once_however_often_it_is_said(world: World) -> None:
    told = await world.do_in_batches(
        [
            [product(1, 7), product(1, 7)],
            [product(1, 7, version=2)],
            [product(1, 9, version=3)],
        ]
    )
    assert told.messages == [level(1, 7, version=1)]
    assert await world.item(1) == (7, 0)
    assert len((await world.books()).movements) == 1


async def test_a_product_without_stock_is_known_and_moved_nothing(world: World) -> None:
    told = await world.do(product(1))
    assert told.messages == [level(1, 0, version=1)]
    assert (await world.books()).movements == []


async def test_receipts_adjustments_and_counts_are_written_down(world: World) -> None:
    await world.with_stock({1: 10})
    told = await world.do(receive(1, 5, "delivery"), adjust(1, -3), count(1, 11), count(1, 11))
    assert [(done.on_hand, done.reserved) for done in told.outcomes] == [
        (15, 0),
        (12, 0),
        (11, 0),
        (11, 0),
    ]
    assert told.messages == [level(1, 11, version=2)]
    books = await world.books()
    assert books.movements[1:] == [done.movement for done in told.outcomes]
    assert [(m.kind, m.quantity, m.reason, m.reference) for m in books.movements[1:]] == [
        ("receipt", 5, "delivery", "user/4"),
        ("adjustment", -3, "breakage", "user/4"),
        ("count", -1, None, "user/4"),
        ("count", 0, None, "user/4"),
    ]
    check_books(books)


async def test_what_is_reserved_cannot_be_moved_away(world: World) -> None:
    await world.with_stock({1: 10})
    await world.do(reserve(17, (1, 6)))
    told = await world.do(adjust(1, -5), count(1, 5), adjust(1, -4), count(1, 6))
    assert [code_of(outcome) for outcome in told.outcomes] == [
        "would_go_below_reserved",
        "would_go_below_reserved",
        "moved",
        "moved",
    ]
    assert await world.item(1) == (6, 6)
    assert len((await world.books()).movements) == 3


async def test_a_refusal_changes_and_tells_nothing(world: World) -> None:
    await world.with_stock({1: 1})
    before = await world.books()
    told = await world.do(adjust(1, -2))
    assert told.messages == []
    assert await world.books() == before


async def test_an_unknown_product_is_refused(world: World) -> None:
    told = await world.do(receive(99, 1), adjust(99, 1), count(99, 1))
    assert [code_of(outcome) for outcome in told.outcomes] == ["stock_item_not_found"] * 3
    assert (await world.books()).movements == []


async def test_all_levels_are_told_anew_in_pages(world: World) -> None:
    await world.with_stock({product_id: product_id * 10 for product_id in range(1, 6)})
    assert (await world.do(ContinueAnnouncement(2))).messages == []
    assert (await world.do(AnnounceLevels())).messages == []
    pages = [await world.do(ContinueAnnouncement(2)) for _ in range(4)]
    assert [page.outcomes for page in pages] == [[2], [2], [1], [0]]
    assert [page.messages for page in pages] == [
        [level(1, 10, version=1), level(2, 20, version=1)],
        [level(3, 30, version=1), level(4, 40, version=1)],
        [level(5, 50, version=1)],
        [],
    ]
    assert (await world.books()).announcement == {}


async def test_an_announcement_can_begin_again(world: World) -> None:
    await world.with_stock({1: 1, 2: 2, 3: 3})
    await world.do(AnnounceLevels(), ContinueAnnouncement(2))
    assert (await world.books()).announcement == {0: 2}
    told = await world.do(AnnounceLevels(), ContinueAnnouncement(3), ContinueAnnouncement(3))
    assert [message.key for message in told.messages] == ["1", "2", "3"]
    assert told.outcomes == [None, 3, 0]


async def test_a_level_that_changes_while_it_is_announced_is_told_as_it_ends(world: World) -> None:
    await world.with_stock({1: 10})
    told = await world.do(AnnounceLevels(), ContinueAnnouncement(5), reserve(17, (1, 4)))
    assert told.levels == [level(1, 10, version=2, reserved=4)]


async def test_levels_that_are_asked_for_are_told_as_they_are(world: World) -> None:
    await world.with_stock({1: 10, 2: 20, 3: 30})
    before = await world.books()
    wanted = TellLevels(frozenset({3, 1, 99}))
    told = await world.do(wanted, wanted)
    assert told.messages == [level(1, 10, version=1), level(3, 30, version=1)]
    assert await world.books() == before


async def test_a_level_that_changes_after_it_was_asked_for_is_told_as_it_ends(world: World) -> None:
    await world.with_stock({1: 10})
    told = await world.do(reserve(17, (1, 4)), TellLevels(frozenset({1})), reserve(18, (1, 1)))
    assert told.levels == [level(1, 10, version=2, reserved=5)]


async def test_the_latest_movements_are_read_first(world: World) -> None:
    await world.with_stock({1: 10, 2: 10})
    await world.do(*(receive(1, units) for units in range(1, 6)))
    await world.do(receive(2, 100))
    found = await world.queries.get(1, 3)
    assert found is not None
    assert (found.item.on_hand, found.item.version) == (25, 2)
    assert [movement.quantity for movement in found.movements] == [5, 4, 3]
    assert all(isinstance(movement, Movement) for movement in found.movements)


async def test_an_item_that_never_moved_has_no_movements(world: World) -> None:
    await world.do(product(1))
    found = await world.queries.get(1, 50)
    assert found is not None
    assert list(found.movements) == []
    assert await world.queries.get(2, 50) is None


def code_of(outcome: Moved | Refused) -> str:
    return outcome.code if isinstance(outcome, Refused) else "moved"
