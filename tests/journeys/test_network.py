"""Services do not know each other (K5): what the kernel says of their connections.

Each service runs in a process of its own, customers buy, and all the while every open connection
is looked at: TCP and Unix sockets, and which database is behind each backend of PostgreSQL.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import psutil
import pytest

from feira.embedded.ports import free_port
from feira.runtime.registry import SERVICES
from feira.runtime.shop import read_environment
from tests.eventually import eventually
from tests.journeys.wires import Wire, wires
from tests.shop import BROKER, RunningShop, open_shop
from tests.shop_client import ShopClient, clients_of

PURCHASES: Final = 40
LOOKS_MAX: Final = 6
LOOK_EVERY_SECONDS: Final = 0.03
BACKENDS: Final = "SELECT pid, datname FROM pg_stat_activity WHERE datname IS NOT NULL"


class Call(NamedTuple):
    """A part of the shop has a connection to another; `orders -> postgres/orders`."""

    caller: str
    called: str


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """One process a service, and relays that follow the log: the most connections there are."""
    with open_shop(FEIRA_PROCESSES="; ".join(SERVICES), FEIRA_RELAY="cdc") as running:
        yield running


@pytest.fixture
async def client(shop: RunningShop) -> AsyncIterator[ShopClient]:
    async with clients_of(shop) as callers:
        yield callers


async def test_a_service_reaches_its_database_the_broker_and_no_other_service(
    shop: RunningShop, client: ShopClient
) -> None:
    async with looking_at(shop) as calls:
        for _ in range(LOOKS_MAX):  # a short connection may escape one look
            await sell_some(client)
            if legitimate() <= calls:
                break
    assert faults_in(calls) == []
    assert legitimate() - calls == set()


def legitimate() -> set[Call]:
    """What a shop that sells has for connections: were they not seen, nothing would be."""
    found = {Call("payments", "sandbox"), Call("sandbox", "nginx")}
    for service in SERVICES:
        found |= {
            Call(service, f"postgres/{service}"),
            Call(service, BROKER),
            Call("nginx", service),
        }
    return found


# --- the test itself, tested ---------------------------------------------------------------------


async def test_a_service_that_calls_another_is_caught(shop: RunningShop) -> None:
    port = read_environment(shop.data_dir)["FEIRA_INVENTORY_LISTEN"].rpartition(":")[2]
    opening = f"import socket; s = socket.create_connection(('127.0.0.1', {port}))"
    async with disguised(shop, opening, "orders") as calls:
        await eventually(lambda: _is_among(Call("orders", "inventory"), calls))
    assert "orders -> inventory" in faults_in(calls)


async def test_a_service_that_listens_for_another_on_a_unix_socket_is_caught(
    shop: RunningShop, tmp_path: Path
) -> None:
    listening = (
        "import socket; s = socket.socket(socket.AF_UNIX);"
        f"s.bind('{tmp_path}/back-door'); s.listen(); kept = s.accept()"
    )
    calling = (
        "import socket, time; s = socket.socket(socket.AF_UNIX)\n"
        f"while s.connect_ex('{tmp_path}/back-door'): time.sleep(0.01)"
    )
    with running(listening) as listener, running(calling) as caller:
        names = {listener.pid: "inventory", caller.pid: "payments"}
        async with looking_at(shop, names) as calls:
            await eventually(lambda: _is_among(Call("payments", "inventory"), calls))
    assert "payments -> inventory" in faults_in(calls)


@pytest.mark.parametrize("by", ["unix", "tcp"])
async def test_a_service_in_anothers_database_is_caught(shop: RunningShop, by: str) -> None:
    address = read_environment(shop.data_dir)["FEIRA_CATALOG_DATABASE_URL"]
    if by == "tcp":
        login = address.partition("@")[0]
        address = f"{login}@127.0.0.1:{shop.ports['FEIRA_POSTGRES_PORT']}/catalog"
    opening = (
        "import asyncio, asyncpg; loop = asyncio.new_event_loop();"
        f"c = loop.run_until_complete(asyncpg.connect({address!r}))"
    )
    async with disguised(shop, opening, "orders") as calls:
        await eventually(lambda: _is_among(Call("orders", "postgres/catalog"), calls))
    assert "orders -> postgres/catalog" in faults_in(calls)


async def test_a_stranger_at_a_services_door_is_caught(shop: RunningShop) -> None:
    port = read_environment(shop.data_dir)["FEIRA_PAYMENTS_LISTEN"].rpartition(":")[2]
    opening = f"import socket; s = socket.create_connection(('127.0.0.1', {port}))"
    async with disguised(shop, opening, "sandbox") as calls:
        await eventually(lambda: _is_among(Call("sandbox", "payments"), calls))
    assert "sandbox -> payments" in faults_in(calls)


async def test_a_service_that_goes_elsewhere_is_caught(shop: RunningShop) -> None:
    port = free_port()
    listening = f"import socket; s = socket.create_server(('127.0.0.1', {port})); kept = s.accept()"
    calling = (
        "import socket, time; s = socket.socket()\n"
        f"while s.connect_ex(('127.0.0.1', {port})): time.sleep(0.01); s = socket.socket()"
    )
    with running(listening), running(calling) as caller:
        async with looking_at(shop, {caller.pid: "catalog"}) as calls:
            place = f"127.0.0.1:{port}"
            await eventually(lambda: _is_among(Call("catalog", place), calls))
    assert f"catalog -> {place}" in faults_in(calls)


# --- the rule ------------------------------------------------------------------------------------


def faults_in(calls: set[Call]) -> list[str]:
    return sorted(f"{call.caller} -> {call.called}" for call in calls if not is_allowed(call))


def is_allowed(call: Call) -> bool:
    """A service goes to its own database, the broker, and (payments) the provider; to a service
    comes the gateway alone, and whoever started it to ask whether it is ready."""
    if call.called in SERVICES:
        return call.caller in ("nginx", "feira up")
    if call.caller in SERVICES:
        own = {f"postgres/{call.caller}", BROKER}
        return call.called in own | ({"sandbox"} if call.caller == "payments" else set())
    return True


# --- looking -------------------------------------------------------------------------------------


@asynccontextmanager
async def looking_at(
    shop: RunningShop, also: Mapping[int, str] | None = None
) -> AsyncIterator[set[Call]]:
    """All calls seen so far; the looking goes on until the block ends."""
    calls: set[Call] = set()
    async with shop.database("orders") as connection:
        look = asyncio.create_task(_keep_looking(shop, connection, also or {}, calls))
        try:
            yield calls
        finally:
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)
    assert look.cancelled(), look.exception()


async def _keep_looking(
    shop: RunningShop,
    connection: "asyncpg.Connection[asyncpg.Record]",
    also: Mapping[int, str],
    calls: set[Call],
) -> None:
    while True:
        found = await asyncio.to_thread(wires)
        databases = {row[0]: row[1] for row in await connection.fetch(BACKENDS)}
        names = {**parts_of(shop), **also}
        calls |= {call for wire in found if (call := _call(wire, names, databases))}
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _call(wire: Wire, names: Mapping[int, str], databases: Mapping[int, str]) -> Call | None:
    """Of a part of the shop, or to one; what outsiders do among themselves is their affair."""
    caller, called = names.get(wire.client), names.get(wire.server)
    if called == "postgres":
        if wire.server not in databases:
            return None  # a backend that has just come or gone, or that greets its client
        called = f"postgres/{databases[wire.server]}"
    if caller is None:
        return Call("outside", called) if called in SERVICES else None
    return Call(caller, called or wire.place) if caller != called else None


def parts_of(shop: RunningShop) -> dict[int, str]:
    """The names of the shop's processes; a part's children (backends, workers) are the part."""
    names = {shop.program.pid: "feira up"}
    for part in shop.parts():
        process = psutil.Process(shop.pid_of(part))
        try:
            names |= {one.pid: part for one in (process, *process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return names


@asynccontextmanager
async def disguised(shop: RunningShop, opening: str, name: str) -> AsyncIterator[set[Call]]:
    """A process that opens a connection, taken for a part of the shop."""
    with running(opening) as process:
        async with looking_at(shop, {process.pid: name}) as calls:
            yield calls


def running(program: str) -> "Running":
    return Running(f"{program}\nimport sys; sys.stdin.read()")


class Running:
    """A Python program that keeps what it has opened until the block ends."""

    def __init__(self, program: str) -> None:
        self._program = program

    def __enter__(self) -> "subprocess.Popen[bytes]":
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._program], stdin=subprocess.PIPE
        )
        return self._process

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()


async def _is_among(call: Call, calls: set[Call]) -> bool:
    return call in calls


async def sell_some(client: ShopClient) -> None:
    """Purchases that go through and that are declined, and a call of every service."""
    product_id = await client.product(stock=PURCHASES + 1)
    ana = client.customer()
    for number in range(PURCHASES):
        await ana.buys((product_id, 1), token="tok_visa" if number % 5 else "tok_declined")
        for caller, path in (
            (client.nobody, "/products"),
            (client.nobody, "/flash-sales"),
            (client.admin, f"/inventory/{product_id}"),
            (client.admin, "/sagas"),
            (ana, "/me"),
        ):
            reply = await caller.get(path)
            assert reply.status in (200, 401), (path, reply)
    await ana.sees(await ana.buys((product_id, 1)), "paid")
