"""What clients meet at the gateway, and what the services behind it get to see."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from io import BytesIO

import msgspec
import pytest
import pytest_asyncio

from tests.adapters.gateway.world import ROUTES, TinyService, World, answering, gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "https://shop.example"
MEBIBYTE = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[World]:
    async with gateway(rate_limit=False, cors_origins=(ORIGIN,)) as world:
        yield world


@pytest.fixture
def world(shared: World) -> World:
    for service in shared.services.values():
        service.seen.clear()
        service.script = TinyService(service.name).script
    return shared


# --- who gets what -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("POST", "/orders", "orders"),
        ("GET", "/orders?status=paid", "orders"),
        ("GET", "/orders/12", "orders"),
        ("DELETE", "/orders/12", "orders"),
        ("POST", "/orders/12/refunds", "payments"),
        ("POST", "/webhooks/sandbox", "payments"),
        ("POST", "/login", "identity"),
    ],
)
async def test_a_request_goes_to_the_service_that_has_the_route(
    world: World, method: str, path: str, service: str
) -> None:
    assert (await world.ask(method, path)).status == 200
    assert world.asked == {service: 1}
    assert world.services[service].seen[0].target == path


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/orders2",
        "/login/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/orders/../metrics",
        "/orders/%2e%2e/metrics",
        "/gateway-problems/not_found",
        "/gateway-preflight",
        '/a"b\\c',
    ],
)
async def test_an_unknown_address_is_a_problem_of_the_gateway(world: World, path: str) -> None:
    answer = await world.raw(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404"), answer
    assert b"application/problem+json" in head
    assert msgspec.json.decode(body)["code"] == "not_found"
    assert world.asked == {}


async def test_what_a_service_answers_passes_untouched(world: World) -> None:
    body = b'{"code":"its_own"}'
    for status in (404, 413, 429, 500, 502, 503, 504):
        world.services["orders"].script = lambda _seen, status=status: answering(  # type: ignore[misc]
            status, body, "application/problem+json"
        )
        answer = await world.ask("GET", "/orders/1")
        assert (answer.status, answer.body) == (status, body)
        assert "Retry-After" not in answer.headers


# --- headers -------------------------------------------------------------------------------------


async def test_a_client_cannot_say_where_it_comes_from(world: World) -> None:
    forged = {
        "X-Real-IP": "6.6.6.6",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=6.6.6.6",
        "Authorization": "Bearer abc",
        "Idempotency-Key": "key-1",
    }
    await world.ask("POST", "/orders", json={}, headers=forged)
    headers = world.services["orders"].seen[0].headers
    assert headers["x-real-ip"] == headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert not {"forwarded", "x-forwarded-host"} & headers.keys()
    assert headers["authorization"] == "Bearer abc"
    assert headers["idempotency-key"] == "key-1"


async def test_every_request_has_a_correlation_id(world: World) -> None:
    for given in ({"X-Correlation-Id": "story-7"}, {"X-Correlation-Id": "x" * 65}, {}):
        await world.ask("GET", "/orders/1", headers=given)
    first, *made = [seen.headers["x-correlation-id"] for seen in world.services["orders"].seen]
    assert first == "story-7"
    assert all(len(fresh) == 32 for fresh in made)
    assert len(set(made)) == 2


async def test_problems_of_the_gateway_carry_the_correlation_id(world: World) -> None:
    answer = await world.ask("GET", "/nothing", headers={"X-Correlation-Id": "story-8"})
    assert answer.headers["X-Correlation-Id"] == "story-8"
    assert answer.problem["instance"] == "/nothing"


@pytest.mark.parametrize("path", ["/orders/1", "/nothing", "/docs"])
async def test_answers_tell_browsers_to_be_careful(world: World, path: str) -> None:
    headers = (await world.ask("GET", path)).headers
    assert headers.getall("X-Content-Type-Options") == ["nosniff"]
    assert headers.getall("Referrer-Policy") == ["no-referrer"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert headers["Server"] == "nginx", "without its version"


async def test_a_page_of_a_known_origin_may_call(world: World) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    preflight = await world.ask("OPTIONS", "/orders", headers=asked)
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert world.asked == {}
    answer = await world.ask("GET", "/orders/1", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


async def test_a_page_of_another_origin_may_not(world: World) -> None:
    for method in ("OPTIONS", "GET"):
        headers = (await world.ask(method, "/orders", headers={"Origin": "https://x.y"})).headers
        assert not [name for name in headers if name.startswith("Access-Control")]


# --- sizes ---------------------------------------------------------------------------------------


async def test_a_body_of_a_mebibyte_is_taken_and_no_more(world: World) -> None:
    assert (await world.ask("POST", "/orders", data=BytesIO(b"x" * MEBIBYTE))).status == 200
    answer = await world.ask("POST", "/orders", data=BytesIO(b"x" * (MEBIBYTE + 1)))
    assert (answer.status, answer.problem["code"]) == (413, "body_too_large")
    assert world.asked == {"orders": 1}


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /orders HTTP/1.1\r\n\r\n", 400),
        (b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"what is this\r\n\r\n", 400),
        (b"GET /orders HTTP/3.0\r\nHost: x\r\n\r\n", 505),
    ],
)
async def test_what_is_no_http_is_answered_with_a_problem(
    world: World, request_bytes: bytes, status: int
) -> None:
    answer = await world.raw(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert msgspec.json.decode(body)["status"] == status
    assert world.asked == {}


async def test_large_answers_to_reads_are_compressed(world: World) -> None:
    body = msgspec.json.encode(["an item"] * 500)
    world.services["orders"].script = lambda _seen: answering(200, body)
    accepts = {"Accept-Encoding": "gzip"}
    answer = await world.ask("GET", "/orders", headers=accepts)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == body
    world.services["orders"].script = lambda _seen: answering(200, b"[1]")
    small = await world.ask("GET", "/orders", headers=accepts)
    assert "Content-Encoding" not in small.headers


# --- pages ---------------------------------------------------------------------------------------


async def test_the_documentation_is_there(world: World) -> None:
    front = await world.ask("GET", "/")
    assert (front.status, front.headers["Location"]) == (302, "/docs")
    page = await world.ask("GET", "/docs")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"/docs/docs.js" in page.body
    script = await world.ask("GET", "/docs/docs.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert (await world.ask("GET", "/docs/docs.css")).status == 200
    document = await world.ask("GET", "/openapi.json")
    assert document.headers["Content-Type"].startswith("application/json")
    assert "/orders" in msgspec.json.decode(document.body)["paths"]


async def test_the_messages_are_documented_too(world: World) -> None:
    page = await world.ask("GET", "/asyncapi")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"feira.orders.order_created.v1" in gzip.decompress(page.body)
    document = await world.ask("GET", "/asyncapi.yaml")
    assert document.headers["Content-Type"].startswith("application/yaml")
    assert b"asyncapi: 3.1.0" in gzip.decompress(document.body)


async def test_what_is_not_among_the_pages_is_a_problem(world: World) -> None:
    assert (await world.ask("GET", "/docs/other.js")).problem["code"] == "not_found"
    answer = await world.ask("POST", "/docs")
    assert answer.problem["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "GET, HEAD"


async def test_a_service_may_say_what_its_own_page_is_allowed(world: World) -> None:
    policy = "default-src 'none'; style-src 'sha256-AAAA'"
    page = answering(200, b"<p>", "text/html").replace(
        b"\r\n\r\n", f"\r\ncontent-security-policy: {policy}\r\n\r\n".encode(), 1
    )
    world.services["orders"].script = lambda _seen: page
    answer = await world.ask("GET", "/orders/1")
    assert answer.headers.getall("Content-Security-Policy") == [policy]


# --- services that fail --------------------------------------------------------------------------


async def test_connections_to_services_are_kept(world: World) -> None:
    orders = world.services["orders"]
    for _ in range(20):
        await world.ask("POST", "/orders", json={})
    assert len({seen.connection for seen in orders.seen}) == 1
    assert "connection" not in orders.seen[0].headers


async def test_a_post_that_a_service_took_and_dropped_is_not_sent_again(world: World) -> None:
    world.services["orders"].script = lambda _seen: None
    answer = await world.ask("POST", "/orders", json={})
    assert (answer.status, answer.problem["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert world.asked == {"orders": 1}


async def test_a_read_that_a_service_dropped_is_sent_to_another_of_its_processes() -> None:
    first, second = TinyService("orders"), TinyService("orders")
    services = {name: TinyService(name) for name in ROUTES}
    services |= {"orders": first, "orders-2": second}
    async with gateway(services, rate_limit=False) as world:
        first.script = lambda _seen: None
        second.script = lambda _seen: answering(200, b"{}")
        statuses = [(await world.ask("GET", "/orders/1")).status for _ in range(2)]
        assert statuses == [200, 200]
        assert first.seen
        dropped = len(first.seen)
        posts = [(await world.ask("POST", "/orders", json={})).status for _ in range(2)]
        sent = len([s for s in first.seen[dropped:] + second.seen if s.method == "POST"])
        assert sent == 2, "each POST was sent once"
        assert sorted(posts) == [200, 503]


async def test_a_service_that_is_away_is_a_problem_until_it_is_back() -> None:
    async with gateway(rate_limit=False) as world:
        assert (await world.ask("POST", "/login", json={})).status == 200
        await world.services["identity"].stop()
        answer = await world.ask("POST", "/login", json={})
        assert (answer.status, answer.problem["code"]) == (503, "unavailable")
        assert answer.problem["instance"] == "/login"
        assert (await world.ask("GET", "/orders/1")).status == 200
        await world.services["identity"].start()
        assert (await world.ask("POST", "/login", json={})).status == 200


# --- limits --------------------------------------------------------------------------------------


async def test_too_many_requests_are_told_when_to_come_back() -> None:
    async with gateway(requests_per_second=1, requests_burst=4) as world:
        answers = await asyncio.gather(*(world.ask("GET", "/me") for _ in range(40)))
        refused = [answer for answer in answers if answer.status == 429]
        assert 20 <= len(refused) <= 36, "more pass with each second that it takes"
        assert refused[0].problem["code"] == "too_many_requests"
        assert refused[0].headers["Retry-After"] == "1"
        assert refused[0].headers["RateLimit-Policy"] == '"clients";q=1;w=1'
        assert refused[0].headers["RateLimit"] == '"clients";r=0;t=1'
        hooks = [(await world.ask("POST", "/webhooks/sandbox")).status for _ in range(20)]
        assert set(hooks) == {200}, "what providers send is not limited"


async def test_signing_in_is_limited_before_all_else() -> None:
    async with gateway(sign_ins_per_second=1, sign_ins_burst=2) as world:
        statuses = [(await world.ask("POST", "/login", json={})).status for _ in range(40)]
        assert 20 <= statuses.count(429) <= 38, "more pass with each second that it takes"
        assert (await world.ask("GET", "/me")).status == 200
