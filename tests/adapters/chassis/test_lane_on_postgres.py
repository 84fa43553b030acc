"""The lane on a real database: effects once, answers kept, poison isolated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from feira.chassis.batch import BatchRunner
from feira.chassis.lane import Halted, Lane, LaneLimits
from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.telemetry.metrics import LaneMetrics
from feira.chassis.work import Answer, IdempotencyKey, Origin
from feira.contracts.catalog import ProductChanged
from feira.contracts.cloudevents import decode_batch
from feira.contracts.orders import OrderCreated
from feira.kernel.clock import SystemClock
from feira.kernel.errors import Overloaded, Refused, Rejected
from feira.kernel.ids import Ids
from feira.services.orders.adapters.postgres.unit_of_work import units_of_work
from feira.services.orders.application.keep_prices import keep_prices
from feira.services.orders.application.place_order import PlaceOrder, place_orders
from feira.services.orders.domain.order import Order, WantedLine, Wish
from tests.postgres import PostgresServer

ORIGIN = Origin("a-story")
POISON = 666


class World:
    """An orders lane on a database of its own, with a use case that breaks on one product."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.ids = Ids()
        self.commits = 0
        self.store = PostgresStore(
            dsn,
            "orders",
            units_of_work(),
            ids=self.ids,
            clock=SystemClock(),
            partitions=4,
        )
        self.lane = self.new_lane(LaneLimits())

    def new_lane(self, limits: LaneLimits) -> Lane[Any]:
        return Lane(
            "orders",
            self.store,
            {PlaceOrder: place_orders, ProductChanged: keep_prices_but_poison},
            ids=self.ids,
            metrics=LaneMetrics.for_service("orders"),
            limits=limits,
        )

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        connection = await connect(self.dsn, "test")
        try:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()


async def keep_prices_but_poison(commands: Any, uow: Any) -> list[None]:
    if any(command.product_id == POISON for command in commands):
        raise ZeroDivisionError("poison")
    return await keep_prices(commands, uow)


@pytest.fixture
async def world(postgres_server: PostgresServer) -> AsyncIterator[World]:
    world = World(await postgres_server.fresh_database("orders"))
    running = asyncio.create_task(world.lane.run())
    yield world
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await world.store.close()


def product(product_id: int, version: int = 1, price_cents: int = 10_00) -> ProductChanged:
    return ProductChanged(
        product_id=product_id,
        code=f"SKU-{product_id}",
        name="A product",
        price_cents=price_cents,
        version=version,
    )


async def deliver(world: World, messages: list[ProductChanged], envelope_id: Any = None) -> None:
    envelope_id = envelope_id or world.ids.uuid7()
    origins = [Origin("a-story", f"message-{at}") for at in range(len(messages))]
    bodies = [msgspec.json.encode(message) for message in messages]
    await (await world.lane.deliver(envelope_id, messages, origins, bodies))


def place(customer_id: int = 7, product_id: int = 1, quantity: int = 1) -> PlaceOrder:
    return PlaceOrder(Wish(customer_id, [WantedLine(product_id, quantity)]))


def answered(outcome: Order | Refused) -> Answer:
    if isinstance(outcome, Refused):
        return Answer(422, outcome.code.encode())
    return Answer(201, str(outcome.id).encode())


async def test_an_order_and_its_event_are_written_together(world: World) -> None:
    await deliver(world, [product(1)])
    answer = await world.lane.submit(place(), origin=ORIGIN, answer_with=answered)

    assert answer.status == 201
    assert await world.fetch("SELECT id, customer_id, total_cents FROM orders") == [
        (int(answer.body), 7, 10_00)
    ]
    ((topic, body, events),) = await world.fetch("SELECT topic, body, events FROM outbox")
    (event,) = decode_batch(body)
    assert (topic, events, event.type) == ("orders.events", 1, OrderCreated.TYPE)
    assert event.correlationid == "a-story"


async def test_fifty_repeats_of_a_key_make_one_order_and_get_one_answer(world: World) -> None:
    await deliver(world, [product(1)])
    key = IdempotencyKey("7", "checkout-1", b"the same body")
    answers = await asyncio.gather(
        *(
            world.lane.submit(place(), origin=ORIGIN, idempotency=key, answer_with=answered)
            for _ in range(50)
        )
    )
    later = await world.lane.submit(place(), origin=ORIGIN, idempotency=key, answer_with=answered)

    assert {(a.status, a.body) for a in (*answers, later)} == {(201, answers[0].body)}
    assert await world.fetch("SELECT count(*) FROM orders") == [(1,)]


async def test_a_key_with_another_body_is_refused_in_the_same_batch_and_later(
    world: World,
) -> None:
    await deliver(world, [product(1)])

    async def ask(fingerprint: bytes) -> Answer:
        key = IdempotencyKey("7", "checkout-1", fingerprint)
        return await world.lane.submit(
            place(), origin=ORIGIN, idempotency=key, answer_with=answered
        )

    first, second = await asyncio.gather(ask(b"one"), ask(b"other"), return_exceptions=True)
    assert isinstance(first, Answer)
    assert isinstance(second, Rejected)
    with pytest.raises(Rejected, match="idempotency_key_reused"):
        await ask(b"other")
    assert await world.fetch("SELECT count(*) FROM orders") == [(1,)]


async def test_two_processes_with_one_key_make_one_order(world: World) -> None:
    await deliver(world, [product(1)])
    other = World(world.dsn)
    running = asyncio.create_task(other.lane.run())
    key = IdempotencyKey("7", "checkout-1", b"the same body")
    answers = await asyncio.gather(
        *(
            w.lane.submit(place(), origin=ORIGIN, idempotency=key, answer_with=answered)
            for w in (world, other)
            for _ in range(10)
        )
    )
    running.cancel()
    await other.store.close()

    assert len({answer.body for answer in answers}) == 1
    assert await world.fetch("SELECT count(*) FROM orders") == [(1,)]
    assert other.ids.worker != world.ids.worker


async def test_a_redelivered_envelope_has_no_second_effect(world: World) -> None:
    envelope_id = world.ids.uuid7()
    await deliver(world, [product(1, price_cents=1)], envelope_id)
    await deliver(world, [product(1, version=9, price_cents=9)], envelope_id)

    assert await world.fetch("SELECT price_cents FROM product") == [(1,)]


async def test_a_poisoned_message_goes_to_the_dead_letters_and_its_neighbours_pass(
    world: World,
) -> None:
    envelope_id = world.ids.uuid7()
    messages = [product(n) for n in (1, 2, POISON, 3, 4)]
    await deliver(world, messages, envelope_id)
    await deliver(world, messages, envelope_id)  # redelivered: handled, nothing happens

    assert await world.fetch("SELECT product_id FROM product ORDER BY 1") == [
        (n,) for n in (1, 2, 3, 4)
    ]
    ((message_id, kind, error),) = await world.fetch(
        "SELECT message_id, type, error FROM dead_letter"
    )
    assert (message_id, kind) == ("message-2", ProductChanged.TYPE)
    assert error == "ZeroDivisionError: poison"


async def test_when_most_messages_fail_the_consumer_is_halted_and_nothing_is_buried(
    world: World,
) -> None:
    envelope_id = world.ids.uuid7()
    with pytest.raises(Halted):
        await deliver(world, [product(n) for n in (1, *[POISON] * 5)], envelope_id)

    assert await world.fetch("SELECT count(*) FROM dead_letter") == [(0,)]
    # The good one has had its effect; when it comes again with the cause gone, only the rest has.
    await deliver(world, [product(n) for n in (1, 2, 3, 4, 5, 6)], envelope_id)
    assert await world.fetch("SELECT product_id FROM product ORDER BY 1") == [
        (n,) for n in range(1, 7)
    ]


async def test_a_request_that_breaks_fails_alone(world: World) -> None:
    await deliver(world, [product(1)])

    class Broken:
        pass

    outcomes = await asyncio.gather(
        world.lane.submit(place(), origin=ORIGIN, answer_with=answered),
        world.lane.ask(Broken(), origin=ORIGIN),
        world.lane.submit(place(), origin=ORIGIN, answer_with=answered),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Answer, KeyError, Answer]
    assert await world.fetch("SELECT count(*) FROM orders") == [(2,)]


async def test_a_full_queue_refuses_requests(world: World) -> None:
    lane = world.new_lane(LaneLimits(queue_requests_max=3))  # not running: nothing is taken
    waiting = [asyncio.create_task(lane.ask(place(), origin=ORIGIN)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await lane.ask(place(), origin=ORIGIN)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_database_going_away_delays_but_loses_nothing(world: World) -> None:
    await deliver(world, [product(1)])
    placing = [
        asyncio.create_task(world.lane.submit(place(), origin=ORIGIN, answer_with=answered))
        for _ in range(200)
    ]
    for _ in range(5):
        await world.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    answers = await asyncio.gather(*placing)

    orders = {str(row[0]).encode() for row in await world.fetch("SELECT id FROM orders")}
    assert {answer.body for answer in answers} == orders
    assert len(orders) == 200


async def test_an_unknown_commit_is_looked_up_not_repeated(world: World) -> None:
    """The connection dies after the server has committed: the marker tells."""
    await deliver(world, [product(1)])
    store = CommitsThenDies(world.store)
    runner = BatchRunner(store, {PlaceOrder: place_orders}, world.ids)
    from feira.chassis.batch import Piece
    from feira.chassis.work import Work

    work = Work([place()], [ORIGIN], asyncio.get_running_loop().create_future())
    ((_, outcomes),) = await runner.run([Piece.whole(work)])

    assert isinstance(outcomes, list)
    assert await world.fetch("SELECT id FROM orders") == [(outcomes[0].id,)]


class CommitsThenDies:
    """A store whose first commit succeeds and says that it is not known."""

    def __init__(self, store: PostgresStore[Any]) -> None:
        self._store = store
        self._died = False

    def begin(self) -> Any:
        from contextlib import asynccontextmanager

        from feira.chassis.store import CommitUnknown

        @asynccontextmanager
        async def begin() -> AsyncIterator[Any]:
            async with self._store.begin() as transaction:
                yield transaction
            if not self._died:
                self._died = True
                raise CommitUnknown("the connection died")

        return begin()

    async def committed(self, marker: Any) -> bool:
        return await self._store.committed(marker)
