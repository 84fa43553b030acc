"""What inventory does for the saga, on every database: told once, remembered for good."""

from typing import Any

import pytest

from feira.contracts.inventory import (
    MissingStock,
    ReservationConfirmed,
    ReservationReleased,
    StockInsufficient,
    StockLevelChanged,
    StockReserved,
)
from feira.services.inventory.application.expire_reservations import ExpireReservations
from feira.services.inventory.domain.reservation import ReservationStatus
from feira.services.inventory.domain.stock import MovementKind
from tests.unit.inventory.world import (
    START,
    World,
    check_books,
    confirm,
    receive,
    release,
    reserve,
)

RESERVED = StockReserved(order_id=17)
CONFIRMED = ReservationConfirmed(order_id=17)
RELEASED = ReservationReleased(order_id=17)
EXPIRED = ReservationReleased(order_id=17, expired=True)
SHORT = StockInsufficient(
    order_id=17, missing=(MissingStock(product_id=1, requested=11, available=10),)
)


async def answers(world: World, *commands: Any) -> list[Any]:
    """The answers of commands that are decided one after another, a batch each."""
    return (await world.do_in_batches([[command] for command in commands])).answers


async def test_stock_is_reserved_and_sold(world: World) -> None:
    await world.with_stock({1: 10, 2: 5})
    told = await world.do(reserve(17, (1, 3), (2, 5)))
    assert told.answers == [RESERVED]
    assert await world.item(1) == (10, 3)
    assert await world.item(2) == (5, 5)

    told = await world.do(confirm(17))
    assert told.answers == [CONFIRMED]
    assert await world.item(1) == (7, 0)
    assert await world.item(2) == (0, 0)
    assert (await world.books()).reservations[17].confirmed_at == START
    check_books(await world.books())


async def test_nothing_is_held_when_one_line_is_short(world: World) -> None:
    await world.with_stock({1: 10, 2: 5})
    told = await world.do(reserve(17, (1, 3), (2, 6), (99, 1)))
    assert told.messages == [
        StockInsufficient(
            order_id=17,
            missing=(
                MissingStock(product_id=2, requested=6, available=5),
                MissingStock(product_id=99, requested=1, available=0),
            ),
        )
    ]
    assert await world.item(1) == (10, 0)


async def test_lines_of_one_order_do_not_compete(world: World) -> None:
    await world.with_stock({1: 5})
    (short,) = (await world.do(reserve(17, (1, 3), (1, 3)))).answers
    assert short == StockInsufficient(
        order_id=17, missing=(MissingStock(product_id=1, requested=6, available=5),)
    )


async def test_within_a_batch_the_first_comes_first(world: World) -> None:
    await world.with_stock({1: 10})
    told = await world.do(reserve(1, (1, 6)), reserve(2, (1, 6)), reserve(3, (1, 4)))
    assert [type(answer) for answer in told.answers] == [
        StockReserved,
        StockInsufficient,
        StockReserved,
    ]
    assert told.levels == [
        StockLevelChanged(product_id=1, on_hand=10, reserved=10, available=0, version=2)
    ]


async def test_what_one_order_gives_back_the_next_of_the_batch_can_have(world: World) -> None:
    await world.with_stock({1: 1})
    await world.do(reserve(1, (1, 1)))
    told = await world.do(reserve(2, (1, 1)), release(1), reserve(3, (1, 1)), confirm(3))
    assert [type(answer) for answer in told.answers] == [
        StockInsufficient,
        ReservationReleased,
        StockReserved,
        ReservationConfirmed,
    ]
    assert await world.item(1) == (0, 0)


@pytest.mark.parametrize(
    ("story", "again", "expected"),
    [
        pytest.param([reserve(17, (1, 1))], reserve(17, (1, 1)), RESERVED, id="reserve-held"),
        pytest.param([reserve(17, (1, 11))], reserve(17, (1, 11)), SHORT, id="reserve-refused"),
        pytest.param(
            [reserve(17, (1, 11)), receive(1, 100)],
            reserve(17, (1, 11)),
            SHORT,
            id="reserve-refused-though-stock-has-come",
        ),
        pytest.param(
            [reserve(17, (1, 1)), confirm(17)],
            reserve(17, (1, 1)),
            RESERVED,
            id="reserve-confirmed",
        ),
        pytest.param(
            [reserve(17, (1, 1)), release(17)], reserve(17, (1, 1)), RELEASED, id="reserve-released"
        ),
        pytest.param([release(17)], reserve(17, (1, 1)), RELEASED, id="reserve-given-up-before"),
        pytest.param(
            [reserve(17, (1, 1), hold_seconds=0), ExpireReservations()],
            reserve(17, (1, 1)),
            EXPIRED,
            id="reserve-expired",
        ),
        pytest.param(
            [reserve(17, (1, 1)), confirm(17)], confirm(17), CONFIRMED, id="confirm-confirmed"
        ),
        pytest.param(
            [reserve(17, (1, 1)), release(17)], confirm(17), RELEASED, id="confirm-released"
        ),
        pytest.param(
            [reserve(17, (1, 1)), confirm(17), release(17)],
            confirm(17),
            RELEASED,
            id="confirm-restocked",
        ),
        pytest.param(
            [reserve(17, (1, 1), hold_seconds=0), ExpireReservations()],
            confirm(17),
            EXPIRED,
            id="confirm-expired",
        ),
        pytest.param([reserve(17, (1, 11))], confirm(17), RELEASED, id="confirm-refused"),
        pytest.param([], confirm(17), RELEASED, id="confirm-unknown"),
        pytest.param(
            [reserve(17, (1, 1)), release(17)], release(17), RELEASED, id="release-released"
        ),
        pytest.param([release(17)], release(17), RELEASED, id="release-given-up-before"),
        pytest.param([reserve(17, (1, 11))], release(17), RELEASED, id="release-refused"),
        pytest.param(
            [reserve(17, (1, 1), hold_seconds=0), ExpireReservations()],
            release(17),
            EXPIRED,
            id="release-expired",
        ),
    ],
)
async def test_a_repeat_changes_nothing_and_is_answered_as_it_was_decided(
    world: World, story: list[Any], again: Any, expected: Any
) -> None:
    await world.with_stock({1: 10})
    await answers(world, *story)
    told = await world.do(again)
    before = await world.books()
    repeated = await world.do(again, again)
    assert told.messages == [expected]  # and no level: nothing has changed
    assert repeated.messages == [expected, expected]
    assert await world.books() == before
    check_books(before)


async def test_the_answer_to_a_refused_order_stays_the_same_after_its_release(world: World) -> None:
    await world.with_stock({1: 10})
    assert await answers(world, reserve(17, (1, 11)), release(17), reserve(17, (1, 11))) == [
        SHORT,
        RELEASED,
        SHORT,
    ]


async def test_what_was_not_known_when_it_was_confirmed_holds_nothing_later(world: World) -> None:
    await world.with_stock({1: 10})
    assert await answers(world, confirm(17), reserve(17, (1, 1))) == [RELEASED, RELEASED]
    assert await world.item(1) == (10, 0)


async def test_a_released_sale_comes_back_with_a_movement(world: World) -> None:
    await world.with_stock({1: 10, 2: 5})
    await answers(world, reserve(17, (1, 3), (2, 5)), confirm(17))
    told = await world.do(release(17), release(17))
    assert told.answers == [RELEASED, RELEASED]
    books = await world.books()
    assert await world.item(1) == (10, 0)
    assert [
        (moved.product_id, moved.quantity, moved.reference)
        for moved in books.movements
        if moved.kind is MovementKind.RESTOCK
    ] == [(1, 3, "order/17"), (2, 5, "order/17")]
    check_books(books)


async def test_a_hold_ends_when_its_time_is_over(world: World) -> None:
    await world.with_stock({1: 10})
    await world.do(reserve(17, (1, 3), hold_seconds=60), reserve(18, (1, 1), hold_seconds=61))
    world.pass_time(59.999)
    assert (await world.do(ExpireReservations())).outcomes == [0]
    world.pass_time(0.001)
    told = await world.do(ExpireReservations())
    assert told.outcomes == [1]
    assert told.answers == [EXPIRED]
    assert await world.item(1) == (10, 1)
    assert await world.status(17) is ReservationStatus.EXPIRED
    assert await world.status(18) is ReservationStatus.HELD


async def test_a_confirmation_wins_over_a_hold_that_ended_but_was_not_swept(world: World) -> None:
    await world.with_stock({1: 10})
    await world.do(reserve(17, (1, 3), hold_seconds=60))
    world.pass_time(3600)
    told = await world.do(confirm(17), ExpireReservations())
    assert told.answers == [CONFIRMED]
    assert await world.status(17) is ReservationStatus.CONFIRMED


async def test_an_expiry_wins_over_a_confirmation_that_comes_later_in_the_batch(
    world: World,
) -> None:
    await world.with_stock({1: 10})
    await world.do(reserve(17, (1, 3), hold_seconds=60))
    world.pass_time(3600)
    told = await world.do(ExpireReservations(), confirm(17))
    assert told.answers == [EXPIRED, EXPIRED]
    assert await world.item(1) == (10, 0)


async def test_what_a_sweep_found_is_the_reservation_that_the_rest_of_the_batch_sees(
    world: World,
) -> None:
    """Also when nothing was loaded before, and the reservation waits on the shelf."""
    world.preloads = False
    await world.with_stock({1: 10})
    await world.do(reserve(17, (1, 3), hold_seconds=0))
    told = await world.do(ExpireReservations(), confirm(17), release(17))
    assert told.answers == [EXPIRED, EXPIRED, EXPIRED]
    assert await world.item(1) == (10, 0)
    check_books(await world.books())


async def test_a_sweep_is_bounded_and_takes_the_longest_overdue_first(world: World) -> None:
    await world.with_stock({1: 10})
    for order_id, seconds in ((1, 30), (2, 10), (3, 20)):
        await world.do(reserve(order_id, (1, 1), hold_seconds=seconds))
    world.pass_time(3600)
    told = await world.do(ExpireReservations(2), ExpireReservations(2), ExpireReservations(2))
    assert told.outcomes == [2, 1, 0]
    assert [answer.key for answer in told.answers] == ["2", "3", "1"]


async def test_a_hot_product_is_told_of_once_a_batch(world: World) -> None:
    await world.with_stock({1: 1000})
    told = await world.do(*(reserve(order_id, (1, 2)) for order_id in range(1, 301)))
    assert len(told.answers) == 300
    assert told.levels == [
        StockLevelChanged(product_id=1, on_hand=1000, reserved=600, available=400, version=2)
    ]
