"""A newcomer types `make up`: what is there, who can come in."""

import re
import sys
from asyncio import create_subprocess_exec, wait_for
from asyncio.subprocess import PIPE

import pytest

from tests.shop import BROKER, PORT_SETTINGS, RunningShop, ports_for_a_shop
from tests.shop_client import Caller, ShopClient

ADMIN = {"email": "admin@example.com", "password": "Adm1n-correct-horse-battery"}
REFUSAL_TIMEOUT_SECONDS = 120
UNUSED = "FEIRA_BROKER_PORT" if BROKER == "valkey" else "FEIRA_VALKEY_PORT"
"""A shop starts one broker: Valkey has a setting of its own."""
OPENING_CPU_SECONDS_MAX = 20 if BROKER == "valkey" else 50
"""Ten seconds of two cores: a clock on the wall would also measure what else the machine does. A
Java or an Erlang server takes most of that for itself."""
RESIDENT_MIB_MAX = 500
MIB = 1024 * 1024


def test_the_welcome_says_where_and_who(shop: RunningShop) -> None:
    said = shop.said()
    assert shop.address in said
    assert f"{shop.sandbox_address}/ledger" in said
    assert "admin@example.com / Adm1n-correct-horse-battery" in said
    assert re.search(r"Customer +\S+@\S+ / \S+", said)


def test_it_is_ready_soon(shop: RunningShop) -> None:
    assert re.search(r"ready in [0-9.]+ s", shop.said())
    assert shop.opening_cpu_seconds < OPENING_CPU_SECONDS_MAX, shop.said()


def test_it_is_small(shop: RunningShop) -> None:
    sizes = {
        " ".join(process.cmdline()): process.memory_info().rss / MIB
        for process in shop.processes()
        if "feira" in process.cmdline()[1:] or "feira.sandbox" in process.cmdline()
    }
    assert len(sizes) >= 4  # feira up, the sandbox, and two processes of services
    assert sum(sizes.values()) < RESIDENT_MIB_MAX, sizes


async def test_the_shelves_are_full(client: ShopClient) -> None:
    reply = await client.nobody.get("/products?limit=100")
    assert reply.status == 200, reply
    assert reply.json["total"] >= 200
    assert len(reply.json["items"]) == 100
    assert all(product["price"] > 0 for product in reply.json["items"])


@pytest.mark.parametrize(
    ("product_id", "price"), [(1, None), (2, None), (456, 29.99), (789, 19.99)]
)
async def test_the_products_of_the_documents_are_there(
    client: ShopClient, product_id: int, price: float | None
) -> None:
    reply = await client.nobody.get(f"/products/{product_id}")
    assert reply.status == 200, reply
    assert reply.json["id"] == product_id
    assert reply.json["stock"] > 0
    assert price in (None, reply.json["price"])


async def test_the_printed_logins_open_the_door(shop: RunningShop, client: ShopClient) -> None:
    logins = re.findall(r"(?:Admin|Customer) +(\S+) / (\S+)", shop.said())
    roles = [await role_of(client, email, password) for email, password in logins]
    assert roles == ["admin", "customer"]


async def test_a_newcomer_registers_logs_in_and_buys(client: ShopClient) -> None:
    person = {"email": "newcomer@example.com", "password": "stapler-lagoon-42", "name": "Nina"}
    registered = await client.nobody.post("/register", {**person, "role": "admin"})
    assert registered.status in (201, 422), registered
    if registered.status == 422:  # `role` may be refused; it is never obeyed
        registered = await client.nobody.post("/register", person)
    assert registered.json == {
        "id": registered.json["id"],
        "email": person["email"],
        "name": "Nina",
        "role": "customer",
    }
    nina = await logged_in(client, person["email"], person["password"])
    order = await nina.sees(await nina.buys((1, 1)), "paid")
    assert order["customerId"] == registered.json["id"]


async def test_the_front_page_and_its_contract(client: ShopClient) -> None:
    contract = (await client.nobody.get("/openapi.json")).json
    assert {"/orders", "/api/orders", "/products", "/login", "/inventory/{product_id}"} <= set(
        contract["paths"]
    )
    assert (await client.nobody.get("/docs")).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
async def test_what_is_for_operators_is_not_for_everybody(client: ShopClient, path: str) -> None:
    reply = await client.nobody.get(path)
    assert (reply.status, reply.code) == (404, "not_found")


async def test_a_second_shop_on_the_same_data_is_refused(shop: RunningShop) -> None:
    code, said = await feira_up(shop.environment())
    assert code == 1, said
    assert shop.address in said
    assert str(shop.program.pid) in said


@pytest.mark.parametrize("taken", sorted(set(PORT_SETTINGS) - {UNUSED}))
async def test_a_taken_port_is_named(shop: RunningShop, taken: str) -> None:
    others = {name: str(port) for name, port in ports_for_a_shop().items()}
    other = {
        **shop.environment(),
        **others,
        taken: shop.environment()[taken],
        "FEIRA_DATA_DIR": str(shop.folder / "another"),
    }
    code, said = await feira_up(other)
    assert code == 1, said
    assert f"Port {other[taken]}" in said
    assert taken in said
    assert "Traceback" not in said


async def feira_up(environment: dict[str, str]) -> tuple[int | None, str]:
    """The exit code and the words of a `feira up` that is expected to refuse."""
    process = await create_subprocess_exec(
        sys.executable, "-m", "feira", "up", env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        out, err = await wait_for(process.communicate(), REFUSAL_TIMEOUT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, (out + err).decode()


async def logged_in(client: ShopClient, email: str, password: str) -> Caller:
    reply = await client.nobody.post("/login", {"email": email, "password": password})
    assert reply.status == 200, reply
    assert reply.json["token_type"] == "Bearer"
    return client.nobody.with_token(reply.json["access_token"])


async def role_of(client: ShopClient, email: str, password: str) -> str:
    reply = await (await logged_in(client, email, password)).get("/me")
    assert reply.status == 200, reply
    return str(reply.json["role"])
