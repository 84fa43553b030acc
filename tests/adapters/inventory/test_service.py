"""The whole service on a real database: what administrators ask, and what the saga says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.chassis.auth.principal import ADMIN
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.consumer import Translator
from feira.chassis.outbox import Outbox
from feira.chassis.parts import Parts
from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Subscription, Transport
from feira.chassis.work import Origin
from feira.contracts.inventory import (
    ReservationConfirmed,
    ReservationReleased,
    StockInsufficient,
    StockLevelChanged,
    StockReserved,
)
from feira.contracts.message import Message
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from feira.services.inventory.bootstrap import build
from feira.services.inventory.entrypoints.schedule import WHEN_BROKER_LOST
from feira.services.inventory.settings import InventorySettings
from tests.asgi import AsgiAnswer, AsgiClient
from tests.unit.inventory.world import confirm, product, reserve

ADMIN_ID, CUSTOMER_ID = 4, 5
PARTITIONS = 2
TOLD = (
    StockReserved,
    StockInsufficient,
    ReservationConfirmed,
    ReservationReleased,
    StockLevelChanged,
)
TRANSLATOR = Translator(TOLD)
PROBE_TIMEOUT_SECONDS = 60


@dataclass
class Shop:
    """The running service, those who ask it, and the broker between it and the others."""

    service: Service
    admin: AsgiClient
    customer: AsgiClient
    stranger: AsgiClient
    broker: Transport
    heard: Subscription

    async def say(self, *messages: Message) -> None:
        """What other services publish."""
        clock = SystemClock()
        outbox = Outbox("/feira/others", PARTITIONS, Ids(clock), clock.now())
        outbox.speak_for([Origin("a-story")])
        outbox.tell(messages)
        await self.broker.publish(outbox.envelopes())

    async def hear(self, count: int) -> list[Message]:
        """The next messages that the service publishes, `count` of them."""
        messages: list[Message] = []
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            while len(messages) < count:
                messages += await self._hear_some()
        assert len(messages) == count, messages
        return messages

    async def hear_until(self, last: Message) -> list[Message]:
        """The next messages that the service publishes, up to those that come with `last`."""
        messages: list[Message] = []
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            while last not in messages:
                messages += await self._hear_some()
        return messages

    async def _hear_some(self) -> list[Message]:
        deliveries = await self.heard.receive()
        return [told for some in deliveries for told in TRANSLATOR.read(some.envelope.body)[0]]


@pytest.fixture
async def dsn(dsn: str) -> str:
    """The process before this one died with the level of product 1 untold."""
    connection = await connect(dsn, "a-story")
    await connection.execute(
        "INSERT INTO stock_item (product_id, on_hand, reserved, version) VALUES (1, 3, 0, 7)"
    )
    await connection.close()
    return dsn


@pytest.fixture
async def shop(starting: Shop) -> Shop:
    """After all levels were told at the start: nothing is told from here on but what happens."""
    assert await starting.hear(1) == [LEFT_UNTOLD]
    return starting


@pytest.fixture
async def starting(dsn: str, tmp_path: Path) -> AsyncIterator[Shop]:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    generate_signing_key(private, public)
    clock, url = SystemClock(), f"sim://{tmp_path.name}"
    settings = InventorySettings(
        database_url=dsn, jwks_file=public, sweep_seconds=0.1, levels_seconds=0.05
    )
    service = build(
        Parts(
            database=PostgresDatabase(dsn),
            transport=open_transport(url, partitions=PARTITIONS, member="inventory"),
            verifier=TokenVerifier(KeyFile(public), "feira", "feira", clock),
        ),
        settings,
    )
    signer = TokenSigner(load_signing_key(private), "feira", "feira", clock)
    others = open_transport(url, partitions=PARTITIONS, member="others")
    heard = await others.subscribe("others", sorted({kind.TOPIC for kind in TOLD}))
    running = asyncio.create_task(service.run())
    yield Shop(
        service,
        AsgiClient(service.app, signer.sign(ADMIN_ID, ADMIN, "session-1")),
        AsgiClient(service.app, signer.sign(CUSTOMER_ID, "customer", "session-2")),
        AsgiClient(service.app),
        others,
        heard,
    )
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await service.close()
    await close_outbox(service)
    await others.close()


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    """Product 9 with 10 units, of which order 17 holds 4."""
    await shop.say(product(9, 10))
    await shop.hear(1)
    await shop.say(reserve(17, (9, 4)))
    await shop.hear(2)
    return shop


async def test_a_purchase_is_reserved_and_sold(shop: Shop) -> None:
    await shop.say(product(9, 10))
    assert await shop.hear(1) == [level(10, 0, version=1)]
    await shop.say(reserve(17, (9, 4)))
    assert sorted(await shop.hear(2), key=type_of) == [
        level(10, 4, version=2),
        StockReserved(order_id=17),
    ]
    await shop.say(reserve(18, (9, 7)))
    (short,) = await shop.hear(1)
    assert isinstance(short, StockInsufficient)
    await shop.say(confirm(17))
    assert sorted(await shop.hear(2), key=type_of) == [
        ReservationConfirmed(order_id=17),
        level(6, 0, version=3),
    ]


async def test_a_hold_ends_by_itself(shop: Shop) -> None:
    await shop.say(product(9, 10))
    await shop.hear(1)
    await shop.say(reserve(17, (9, 4), hold_seconds=1))
    told = await shop.hear_until(level(10, 0, version=3))
    assert [message for message in told if not isinstance(message, StockLevelChanged)] == [
        StockReserved(order_id=17),
        ReservationReleased(order_id=17, expired=True),
    ]


async def test_what_a_process_that_died_left_untold_is_told_at_the_next_start(
    starting: Shop,
) -> None:
    """As it is, at its version: nothing has changed."""
    assert await starting.hear(1) == [LEFT_UNTOLD]
    assert (await starting.admin.get("/inventory/1")).json["version"] == 7


async def test_a_level_that_changes_again_and_again_is_told_as_it_ends(stocked: Shop) -> None:
    for units in range(1, 11):
        await stocked.admin.post("/inventory/9/receipts", {"quantity": units})
    levels = await stocked.hear_until(level(65, 4, version=12))
    versions = [told.version for told in levels if isinstance(told, StockLevelChanged)]
    assert len(versions) == len(levels)
    assert versions == sorted(set(versions))


async def test_all_levels_are_told_again_to_a_broker_that_lost_its_data(stocked: Shop) -> None:
    for command in WHEN_BROKER_LOST:
        await stocked.service.lane.ask(command, origin=Origin("broker-lost"))
    told = await stocked.hear(2)
    assert sorted(told, key=lambda message: message.key) == [LEFT_UNTOLD, level(10, 4, version=2)]


async def test_stock_is_shown_with_its_latest_movements(stocked: Shop) -> None:
    await stocked.admin.post("/inventory/9/receipts", {"quantity": 5, "reason": "delivery"})
    answer = await stocked.admin.get("/inventory/9")
    assert answer.status == 200
    newest, oldest = answer.json.pop("movements")
    assert answer.json | {"movements": None} == {
        "product_id": 9,
        "on_hand": 15,
        "reserved": 4,
        "allotted": 0,
        "available": 11,
        "version": 3,
        "movements": None,
    }
    assert (newest["kind"], newest["quantity"], newest["reason"], newest["reference"]) == (
        "receipt",
        5,
        "delivery",
        "user/4",
    )
    assert newest["id"] > 0
    assert newest["at"].endswith("Z")
    assert (oldest["kind"], oldest["quantity"]) == ("receipt", 10)
    assert newest.keys() == oldest.keys()


@pytest.mark.parametrize(
    ("path", "body", "on_hand", "quantity"),
    [
        ("receipts", {"quantity": 5}, 15, 5),
        ("receipts", {"quantity": 10**9}, 10**9 + 10, 10**9),
        ("adjustments", {"quantity": -6, "reason": "stolen"}, 4, -6),
        ("adjustments", {"quantity": 1, "reason": "found"}, 11, 1),
        ("counts", {"on_hand": 4}, 4, -6),
        ("counts", {"on_hand": 10, "reason": "stock-take"}, 10, 0),
    ],
)
async def test_a_movement_answers_the_levels_after_it(
    stocked: Shop, path: str, body: dict[str, Any], on_hand: int, quantity: int
) -> None:
    answer = await stocked.admin.post(f"/inventory/9/{path}", body)
    assert answer.status == 201, answer.body
    moved = answer.json
    assert moved["movement"]["quantity"] == quantity
    assert moved["movement"]["reason"] == body.get("reason")
    assert {key: moved[key] for key in ("product_id", "on_hand", "reserved", "available")} == {
        "product_id": 9,
        "on_hand": on_hand,
        "reserved": 4,
        "available": on_hand - 4,
    }
    assert (await stocked.admin.get("/inventory/9")).json["on_hand"] == on_hand


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("adjustments", {"quantity": -7, "reason": "stolen"}),
        ("counts", {"on_hand": 3}),
    ],
)
async def test_what_is_reserved_cannot_be_moved_away(
    stocked: Shop, path: str, body: dict[str, Any]
) -> None:
    answer = await stocked.admin.post(f"/inventory/9/{path}", body)
    assert (answer.status, answer.code) == (409, "would_go_below_reserved")
    assert answer.json["instance"] == f"/inventory/9/{path}"
    assert (await stocked.admin.get("/inventory/9")).json["on_hand"] == 10


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("receipts", {}),
        ("receipts", {"quantity": 0}),
        ("receipts", {"quantity": -1}),
        ("receipts", {"quantity": 10**9 + 1}),
        ("receipts", {"quantity": 10**400}),
        ("receipts", {"quantity": 1.5}),
        ("receipts", {"quantity": "5"}),
        ("receipts", {"quantity": True}),
        ("receipts", {"quantity": None}),
        ("receipts", {"quantity": 5, "reason": ""}),
        ("receipts", {"quantity": 5, "reason": "x" * 201}),
        ("receipts", {"quantity": 5, "reason": "\0"}),
        ("receipts", {"quantity": 5, "on_hand": 1}),
        ("adjustments", {"quantity": 1}),
        ("adjustments", {"quantity": 0, "reason": "nothing"}),
        ("adjustments", {"quantity": -(10**9) - 1, "reason": "much"}),
        ("counts", {"on_hand": -1}),
        ("counts", {"on_hand": 10**12 + 1}),
        ("counts", []),
    ],
)
async def test_bad_values_are_422(stocked: Shop, path: str, body: Any) -> None:
    answer = await stocked.admin.post(f"/inventory/9/{path}", body)
    assert answer.status == 422, answer.body
    assert (await stocked.admin.get("/inventory/9")).json["on_hand"] == 10


async def test_an_unknown_product_is_404(stocked: Shop) -> None:
    for answer in (
        await stocked.admin.get("/inventory/10"),
        await stocked.admin.post("/inventory/10/receipts", {"quantity": 1}),
        await stocked.admin.post("/inventory/10/counts", {"on_hand": 1}),
    ):
        assert (answer.status, answer.code) == (404, "stock_item_not_found")
    for path in ("/inventory/0", "/inventory/nine", f"/inventory/{2**53}"):
        assert (await stocked.admin.get(path)).status == 404


async def test_only_administrators_see_and_move_stock(stocked: Shop) -> None:
    async def ask(client: AsgiClient) -> Sequence[AsgiAnswer]:
        return [
            await client.get("/inventory/9"),
            await client.post("/inventory/9/receipts", {"quantity": 1}),
            await client.post("/inventory/9/adjustments", {"quantity": 1, "reason": "mine"}),
            await client.post("/inventory/9/counts", {"on_hand": 50}),
            await client.post("/inventory/9/counts", {"on_hand": "wrong"}),
        ]

    assert {answer.status for answer in await ask(stocked.stranger)} == {401}
    assert {answer.status for answer in await ask(stocked.customer)} == {403}
    assert (await stocked.admin.get("/inventory/9")).json["on_hand"] == 10


async def test_a_key_moves_once_even_fifty_at_a_time(stocked: Shop) -> None:
    key = {"Idempotency-Key": "delivery-1"}
    path, body = "/inventory/9/receipts", {"quantity": 5}
    answers = await asyncio.gather(
        *(stocked.admin.post(path, body, headers=key) for _ in range(50))
    )
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    other = await stocked.admin.post(path, {"quantity": 6}, headers=key)
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert (await stocked.admin.get("/inventory/9")).json["on_hand"] == 15


async def test_the_routes_are_documented(shop: Shop) -> None:
    assert [
        route for route in shop.service.app.route_table() if route[1].startswith("/inventory")
    ] == [
        ("GET", "/inventory/{product_id}"),
        ("POST", "/inventory/{product_id}/adjustments"),
        ("POST", "/inventory/{product_id}/counts"),
        ("POST", "/inventory/{product_id}/receipts"),
    ]
    paths = (await shop.stranger.get("/openapi.json")).json["paths"]
    receipt = paths["/inventory/{product_id}/receipts"]["post"]
    assert "product_id" in [parameter["name"] for parameter in receipt["parameters"]]
    assert set(receipt["responses"]) >= {"201", "404", "409"}


async def test_the_service_says_that_it_is_ready(shop: Shop) -> None:
    assert (await shop.stranger.get("/readyz")).status == 200


def level(on_hand: int, reserved: int, version: int, product_id: int = 9) -> StockLevelChanged:
    return StockLevelChanged(
        product_id=product_id,
        on_hand=on_hand,
        reserved=reserved,
        available=on_hand - reserved,
        version=version,
    )


LEFT_UNTOLD = level(3, 0, version=7, product_id=1)


def type_of(message: Message) -> str:
    return message.TYPE


async def close_outbox(service: Service) -> None:
    """The relay keeps a connection of its own, and a server waits for its last one to end."""
    outbox: Any = service.relay._outbox
    await outbox.close()
