"""Both ways from PostgreSQL to the broker: the polled table, and the followed log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from feira.chassis import relay as relay_module
from feira.chassis.postgres import log_reader as log_reader_module
from feira.chassis.relay import ENVELOPES_AT_ONCE_MAX
from feira.kernel.errors import Unavailable
from tests.adapters.chassis.relaying import CUT_OFF, Relaying, a_moment
from tests.eventually import eventually
from tests.postgres import PostgresServer

CONNECTIONS = ["feira-orders-log", "feira-orders-relay"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(relay_module, "EPOCH_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(relay_module, "RETRY_WAIT_SECONDS_MAX", 0.02)
    monkeypatch.setattr(log_reader_module, "WATCH_SECONDS", 0.05)


@pytest.fixture(params=["poll", "cdc"])
async def world(
    request: pytest.FixtureRequest, postgres_server: PostgresServer
) -> AsyncIterator[Relaying]:
    world = Relaying(await postgres_server.fresh_database("orders"), request.param)
    yield world
    await world.close()


async def test_what_is_committed_is_published_in_order(world: Relaying) -> None:
    async with world.relaying():
        await world.commit(*range(1, 21))
        await world.published(*range(1, 21))


async def test_what_is_rolled_back_is_never_said(world: Relaying) -> None:
    async with world.relaying():
        with suppress(ZeroDivisionError):
            async with world.store.begin() as transaction:
                transaction.uow.say(1)
                await transaction.save()
                raise ZeroDivisionError
        await world.commit(2)
        await world.published(2)


async def test_a_transaction_with_many_envelopes(world: Relaying) -> None:
    """Sixteen keys over four partitions, said again and again."""
    async with world.relaying():
        for _ in range(5):
            async with world.store.begin() as transaction:
                transaction.uow.say_of_many(range(16))
                await transaction.save()

        async def all_there() -> bool:
            return len(world.broker.order) == 5 * 16

        await eventually(all_there)
    assert sorted(world.broker.order) == sorted([*range(16)] * 5)
    assert {envelope.partition for envelope in world.broker.published} == {0, 1, 2, 3}


async def test_a_backlog_is_worked_off(world: Relaying) -> None:
    counts = range(1, 2 * ENVELOPES_AT_ONCE_MAX + 6)
    async with world.relaying():
        pass
    await world.commit(*counts)
    async with world.relaying():
        await world.published(*counts)


async def test_a_broker_that_is_down_only_delays(world: Relaying) -> None:
    async with world.relaying():
        world.broker.is_down = True
        await world.commit(1, 2, 3)
        await a_moment()
        assert world.broker.order == []
        world.broker.is_down = False
        await world.published(1, 2, 3)


async def test_what_was_not_confirmed_is_published_again_with_the_same_ids(
    world: Relaying,
) -> None:
    async with world.relaying():
        pass
    await world.commit(1, 2)
    world.broker.unanswered = 1
    async with world.relaying():
        await world.forgotten()
    # the log may have brought the second a moment after the first
    assert world.broker.order in ([1, 2, 1, 2], [1, 1, 2])
    assert len({envelope.id for envelope in world.broker.published}) == 2


async def test_a_crash_between_publishing_and_confirming_publishes_again(world: Relaying) -> None:
    """And what a relay had confirmed before its crash does not come again."""
    async with world.relaying():
        await world.commit(1)
        await world.published(1)
        await world.forgotten()
    await world.commit(2)

    class Crash(BaseException):
        pass

    async def crash(_row_ids: list[int]) -> None:
        raise Crash

    dying: Any = world.database.outbox_reader("orders")
    dying.delete = crash
    with pytest.raises(Crash):
        await asyncio.wait_for(world.new_relay(dying).run(), 60)
    await dying.close()
    async with world.relaying():
        await world.published(1, 2, 2)


async def test_one_relay_at_a_time_and_the_next_takes_over(world: Relaying) -> None:
    async with world.relaying():
        pass
    waiting = world.database.outbox_reader("orders")
    leading: Any = world.database.outbox_reader("orders")

    async def leads() -> bool:
        return bool(await leading.lead())

    await eventually(leads)
    await world.commit(1)
    async with world.relay(waiting):
        await a_moment()
        assert world.broker.order == []
        await leading.close()
        await world.published(1)


async def test_connections_that_break_only_delay(world: Relaying) -> None:
    async with world.relaying():
        await world.commit(1)
        await world.published(1)
        for names in CONNECTIONS, CONNECTIONS[:1], CONNECTIONS[1:]:
            await world.fetch(CUT_OFF, names)
            await world.commit(2)
        await eventually(lambda: _all_of(world, {1, 2}, 4))
    assert set(world.broker.order) == {1, 2}


async def _all_of(world: Relaying, counts: set[int], times: int) -> bool:
    ids = {envelope.id for envelope in world.broker.published}
    return len(ids) == times and set(world.broker.order) == counts


async def test_a_broker_that_lost_its_data_is_met_by_saying_all_again(world: Relaying) -> None:
    async with world.relaying():
        before = world.times_lost
        world.broker.epochs = "second"

        async def remembered() -> bool:
            return bool(await world.known_epoch() == "second")

        await eventually(remembered)
        assert world.times_lost == before + 1


async def test_a_dead_letter_that_is_sent_again_arrives(world: Relaying) -> None:
    async with world.relaying():
        await world.fetch(
            "INSERT INTO outbox (envelope_id, topic, partition, body, events)"
            " VALUES (gen_random_uuid(), 'redrive.orders', 0, '[]', 1)"
        )

        async def there() -> bool:
            return [envelope.topic for envelope in world.broker.published] == ["redrive.orders"]

        await eventually(there)
        await world.commit(7)
        await world.published(7)


async def test_trouble_is_not_the_end_of_a_relay(world: Relaying) -> None:
    """While PostgreSQL refuses connections, and afterwards."""
    async with world.relaying() as relay:
        reader: Any = relay._outbox
        lead = reader.lead
        refusals = 3

        async def refused() -> bool:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise Unavailable("too many connections")
            return bool(await lead())

        reader.lead = refused
        await world.commit(1)
        await world.published(1)
    assert refusals == 0
