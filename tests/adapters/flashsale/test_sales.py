"""Flash sales from their start to their end: the same on every database."""

import asyncio
from collections import Counter
from datetime import timedelta

from feira.contracts.flashsale import (
    ClaimsLapsed,
    ClaimsWon,
    DropClosed,
    DropOpened,
    GiveBackStock,
    OrdersRequested,
    SetAsideStock,
)
from feira.kernel.errors import Refused
from feira.kernel.ids import worker_of
from feira.services.flashsale.application.claim_unit import Waiting, Won
from feira.services.flashsale.application.end_campaign import EndCampaign
from feira.services.flashsale.application.ensure_campaigns import EnsureCampaigns, SeedCampaign
from feira.services.flashsale.application.say_again import SayAgain
from feira.services.flashsale.application.turn_drops import TurnDrops
from feira.services.flashsale.domain.claim import Claim
from feira.services.flashsale.domain.drop import (
    ALREADY_CLAIMED,
    NOT_FOUND,
    SOLD_OUT,
    DropStatus,
)
from tests.adapters.flashsale.conftest import World
from tests.unit.flashsale.world import (
    HOUR,
    START,
    claiming,
    given_back,
    hourly,
    set_aside,
    settled,
    starting,
)


async def mine(world: World, drop_id: int, customer_id: int) -> Claim:
    found = await world.queries.newest_claim(drop_id, customer_id)
    assert found is not None
    return found


async def test_the_whole_story_of_a_drop(world: World) -> None:
    drop_id = await world.open_drop(2)
    outcomes = await world.batches.do(*(claiming(drop_id, c, token="t") for c in (1, 2, 3, 1)))
    first, second, third, again = outcomes
    assert isinstance(first, Won)
    assert isinstance(second, Won)
    assert third == Waiting(drop_id, 1)
    assert again is ALREADY_CLAIMED
    assert worker_of(first.order_id) >= 16, "never an id that orders makes"
    await world.batches.do(
        settled(drop_id, first.order_id, is_sold=True),
        settled(drop_id, second.order_id, is_sold=False),
    )
    claim = await mine(world, drop_id, 3)
    assert (claim.status, claim.queue_no, claim.payment_token) == ("won", 1, "t")
    assert claim.order_id is not None
    assert (await mine(world, drop_id, 1)).payment_token is None
    world.clock.advance(HOUR)
    await world.batches.do(TurnDrops())
    assert (await world.drop(drop_id)).status is DropStatus.CLOSING
    await world.batches.do(settled(drop_id, claim.order_id, is_sold=False))
    await world.batches.do(given_back(drop_id, 1))
    closed = await world.drop(drop_id)
    assert (closed.status, closed.sold, closed.given_back, closed.left) == ("closed", 1, 1, 0)
    told = Counter(type(message) for message in await world.told())
    once = (SetAsideStock, DropOpened, GiveBackStock, DropClosed)
    assert told == {**dict.fromkeys(once, 1), OrdersRequested: 2, ClaimsWon: 2, ClaimsLapsed: 2}


async def test_a_unit_that_a_clock_ahead_has_left_goes_to_the_queue(world: World) -> None:
    """One process freed it when the sale was over by its clock; by another's the sale goes on."""
    drop_id = await world.open_drop(2)
    first, second, third = await world.batches.do(*(claiming(drop_id, c) for c in (1, 2, 3)))
    assert isinstance(first, Won)
    assert isinstance(second, Won)
    assert third == Waiting(drop_id, 1)
    world.clock.advance(HOUR)
    await world.batches.do(settled(drop_id, first.order_id, is_sold=False))
    assert (await mine(world, drop_id, 3)).status == "waiting"
    world.clock.advance(-HOUR)
    await world.batches.do(settled(drop_id, second.order_id, is_sold=True))
    assert (await mine(world, drop_id, 3)).status == "won"


async def test_what_is_kept_is_what_was_decided(world: World) -> None:
    campaign = await world.batches.do_one(hourly(9, 17, starts_at=None, carries_over=True))
    again = await world.batches.do_one(EndCampaign(campaign.id))
    assert (again.hourly, again.carries_over, again.crowd) == (
        campaign.hourly,
        True,
        campaign.crowd,
    )
    assert again.ends_at == START
    assert await world.batches.do_one(EndCampaign(999)) is NOT_FOUND


async def test_a_campaigns_id_means_its_drop_that_is_open(world: World) -> None:
    campaign = await world.batches.do_one(hourly(units=1))
    drop = await world.drop(campaign.id)
    assert drop.id != campaign.id
    await world.batches.do(set_aside(drop.id, 1))
    await world.batches.do(TurnDrops())  # the next hour is planned
    assert isinstance(await world.batches.do_one(claiming(campaign.id, 1)), Won)
    outcome = await world.batches.do_one(claiming(drop.id, 2))
    assert isinstance(outcome, Waiting)
    assert await world.batches.do_one(claiming(999, 1)) is NOT_FOUND
    assert [
        drop.campaign_id for drop in (await world.queries.find_live(offset=0, drops_max=9))[0]
    ] == [
        campaign.id,
        campaign.id,
    ]


async def test_each_hour_has_one_drop_however_many_processes_look(world: World) -> None:
    campaign = await world.batches.do_one(hourly())
    processes = [world.process() for _ in range(3)]
    for _ in range(5):
        await asyncio.gather(*(process.do(TurnDrops()) for process in processes))
        world.clock.advance(HOUR)
    live, total = await world.queries.find_live(offset=0, drops_max=99)
    slots = [drop.slot for drop in live]
    assert slots == [START + HOUR * n for n in range(6) if START + HOUR * n in slots]
    assert total == len(set(slots))
    told = [m for m in await world.told() if isinstance(m, SetAsideStock)]
    assert {message.allotment_id for message in told} >= {drop.id for drop in live[:-1]}
    assert campaign.id not in {message.allotment_id for message in told}


async def test_several_processes_never_sell_more_than_there_is(world: World) -> None:
    drop_id = await world.open_drop(5, queue_max=4)
    processes = [world.process() for _ in range(3)]
    crowd = [claiming(drop_id, number % 40) for number in range(60)]
    parts = await asyncio.gather(
        *(
            process.do_in_batches(
                crowd[at : at + 5] for at in range(which * 20, which * 20 + 20, 5)
            )
            for which, process in enumerate(processes)
        )
    )
    outcomes = [outcome for part in parts for outcome in part]
    winners = [outcome for outcome in outcomes if isinstance(outcome, Won)]
    waiting = [outcome for outcome in outcomes if isinstance(outcome, Waiting)]
    assert len(winners) == len({winner.order_id for winner in winners}) == 5
    assert sorted(one.place for one in waiting) == [1, 2, 3, 4]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {one.code for one in refused} <= {"sold_out", "already_claimed"}
    assert len(winners) + len(waiting) + len(refused) == len(crowd)
    assert (await world.drop(drop_id)).held == 5


async def test_what_is_left_over_is_sold_by_the_drop_after_the_next(world: World) -> None:
    campaign = await world.batches.do_one(hourly(units=4, carries_over=True))
    first = await world.drop(campaign.id)
    await world.batches.do(set_aside(first.id, 4))
    await world.batches.do(TurnDrops())
    world.clock.advance(HOUR)
    await world.batches.do(TurnDrops())
    await world.batches.do(given_back(first.id, 4))
    world.clock.advance(HOUR)
    await world.batches.do(TurnDrops())
    live, _ = await world.queries.find_live(offset=0, drops_max=9)
    assert [drop.units for drop in live if drop.starts_at > START + HOUR * 2] == [8]


async def test_a_campaign_of_the_far_future_costs_nothing_until_then(world: World) -> None:
    far = START + timedelta(days=70 * 365)
    campaign = await world.batches.do_one(hourly(starts_at=far))
    assert await world.queries.next_due() == far - timedelta(minutes=2)
    assert await world.batches.do(TurnDrops()) == [0]
    assert (await world.drop(campaign.id)).status is DropStatus.PLANNED


async def test_all_that_is_waited_for_is_asked_again(world: World) -> None:
    preparing = (await world.batches.do_one(starting())).id
    drop_id = await world.open_drop(1)
    won = await world.batches.do_one(claiming(drop_id, 1))
    told_before = len(await world.told())
    assert await world.batches.do_one(SayAgain()) == 2
    again = (await world.told())[told_before:]
    assert [type(message) for message in again] == [SetAsideStock, OrdersRequested]
    asked, requested = again
    assert isinstance(asked, SetAsideStock)
    assert isinstance(requested, OrdersRequested)
    assert asked.allotment_id == preparing
    assert [order.order_id for order in requested.orders] == [won.order_id]


async def test_orders_that_do_not_come_to_rest_are_asked_for_again(world: World) -> None:
    drop_id = await world.open_drop(1)
    await world.batches.do(claiming(drop_id, 1))
    world.clock.advance(timedelta(seconds=30))
    await world.batches.do(TurnDrops())
    requests = [m for m in await world.told() if isinstance(m, OrdersRequested)]
    assert requests[0] == requests[1]


async def test_seeded_campaigns_are_made_once(world: World) -> None:
    seeds = EnsureCampaigns((SeedCampaign(1, hourly()), SeedCampaign(2, starting())))
    assert await world.batches.do_one(seeds) == 2
    assert await world.batches.do_one(seeds) == 0
    assert (await world.drop(2)).campaign_id == 2


async def test_the_queue_is_served_in_the_order_of_arrival(world: World) -> None:
    drop_id = await world.open_drop(2)
    winners = await world.batches.do(*(claiming(drop_id, c) for c in (1, 2)))
    for customer_id in (5, 3, 4):
        await world.batches.do(claiming(drop_id, customer_id))
    await world.batches.do(settled(drop_id, winners[0].order_id, is_sold=False))
    statuses = {c: (await mine(world, drop_id, c)).status for c in (5, 3, 4)}
    assert statuses == {5: "won", 3: "waiting", 4: "waiting"}
    await world.batches.do(settled(drop_id, winners[1].order_id, is_sold=False))
    statuses = {c: (await mine(world, drop_id, c)).status for c in (5, 3, 4)}
    assert statuses == {5: "won", 3: "won", 4: "waiting"}


async def test_the_queue_full_is_sold_out(world: World) -> None:
    drop_id = await world.open_drop(1, queue_max=1)
    outcomes = await world.batches.do(*(claiming(drop_id, c) for c in (1, 2, 3)))
    assert outcomes[2] is SOLD_OUT
