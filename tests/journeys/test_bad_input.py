"""Whatever is sent, the answer is an answer: never a 5xx, always a problem with a code (E9)."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from tests.journeys.contract import Operation, writing_operations
from tests.journeys.test_opening import ADMIN, logged_in
from tests.shop_client import Caller, Reply, ShopClient, order_body

AT_ONCE_MAX = 16
NOBODYS_ID = 2**53 - 1
MIB = 1024 * 1024

# No route takes any of these for a body.
NEVER_BODIES = {
    "nothing": b"",
    "half an object": b'{"itens": [',
    "a trailing comma": b'{"itens": [],}',
    "no JSON at all": b"itens=1&quantity=2",
    "leading zeros": b'{"id": 007}',
    "not a number": b'{"id": NaN}',
    "two values": b"{} {}",
    "a NUL byte": b'{"id": "\x00"}',
    "only NUL bytes": b"\x00\x00\x00",
    "bytes that are no UTF-8": b'{"id": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"id": "\xed\xa0\x80"}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "a list": b"[]",
    "a number": b"1",
    "a text": b'"itens"',
    "null": b"null",
    "very deep lists": b"[" * 100_000,
    "very deep objects": b'{"itens":' * 50_000,
}

# Put in place of every part of a body that fits: some may be taken, none may break anything.
VALUES = [
    b"null",
    b"true",
    b"0",
    b"-1",
    b"-0.0",
    b"9007199254740993",
    b"9223372036854775808",
    b"9" * 400,
    b"1e400",
    b"-1e400",
    b"1e-400",
    b"1e999999999",
    b"-1E+999999999",
    b"1e-999999999",
    b'"1e999999999"',
    b"19.999",
    b'""',
    b'"' + b"x" * 100_000 + b'"',
    b"[]",
    b"{}",
    b'[[[[{"a": []}]]]]',
    b'"Ana \\ud83d\\ude00"',
]
# Put there, they make any body one that nobody can keep.
NEVER_VALUES = [
    b'"\\u0000"',
    b'"a\\u0000b"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\x00"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b"NaN",
    b"Infinity",
    b"[" * 20_000,
]


@pytest.fixture
async def boss(client: ShopClient) -> Caller:
    """An administrator who exists, so that nothing is refused for who sends it."""
    found = await (await logged_in(client, ADMIN["email"], ADMIN["password"])).get("/me")
    return client.nobody.with_token(client.shop.token(found.json["id"], "admin"))


@pytest.fixture
async def operations(client: ShopClient) -> list[Operation]:
    """Everything that can be written to, with things that are there to write to."""
    product_id = await client.product(stock=1_000)
    ana = client.customer()
    order_id = await ana.buys((product_id, 1), token=None)
    await ana.sees(order_id, "in_progress")
    ids = dict.fromkeys(("products/{product_id}", "inventory/{product_id}"), product_id)
    ids.update(dict.fromkeys(("orders/{id}", "orders/{order_id}", "sagas/{order_id}"), order_id))
    contract = (await client.nobody.get("/openapi.json")).json
    found = writing_operations(contract, ids, NOBODYS_ID)
    assert {"POST /orders", "POST /api/orders", "POST /login", "POST /products"} <= {
        str(operation) for operation in found
    }
    return found


def with_body(operations: Iterable[Operation]) -> list[Operation]:
    return [operation for operation in operations if operation.body is not None]


async def test_the_examples_fit(boss: Caller, operations: list[Operation]) -> None:
    """Else what is done to them would be refused for what they lack, at the door."""
    misfits = []
    for operation in with_body(operations):
        reply = await boss.send(operation.method, operation.path, operation.body)
        if reply.status in (400, 415, 422):
            misfits.append(described(operation, b"", reply))
    assert misfits == []


async def test_what_is_no_body_is_refused_everywhere(
    boss: Caller, operations: list[Operation]
) -> None:
    sent = [(op, body) for op in with_body(operations) for body in NEVER_BODIES.values()]
    assert refusals_missing(sent, await answers(boss, sent)) == []


async def test_what_cannot_be_kept_is_refused_everywhere(
    boss: Caller, operations: list[Operation]
) -> None:
    sent = [
        (op, body)
        for op in with_body(operations)
        for value in NEVER_VALUES
        for body in op.bodies_with(value)
    ]
    assert refusals_missing(sent, await answers(boss, sent)) == []


async def test_no_value_breaks_anything(boss: Caller, operations: list[Operation]) -> None:
    sent = [
        (op, body)
        for op in with_body(operations)
        for value in VALUES
        for body in op.bodies_with(value)
    ]
    assert troubles(sent, await answers(boss, sent)) == []


async def test_a_body_where_none_belongs_breaks_nothing(
    boss: Caller, operations: list[Operation]
) -> None:
    bodiless = [operation for operation in operations if operation.body is None]
    sent = [(op, body) for op in bodiless for body in NEVER_BODIES.values()]
    assert troubles(sent, await answers(boss, sent)) == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "image/png", "\t"])
async def test_other_media_types_are_not_taken(
    boss: Caller, operations: list[Operation], media_type: str
) -> None:
    sent = [(op, b"<order/>") for op in with_body(operations)]
    replies = await answers(boss, sent, headers={"Content-Type": media_type})
    wrong = [
        f"{op}: {reply.status} {reply.body!r}"
        for (op, _), reply in zip(sent, replies, strict=True)
        if (reply.status, reply.code) != (415, "unsupported_media_type")
    ]
    assert wrong == []


async def test_a_body_above_the_limit_is_refused(boss: Caller, operations: list[Operation]) -> None:
    body = b'{"name": "' + b"x" * (2 * MIB) + b'"}'
    sent = [(op, body) for op in with_body(operations)]
    replies = await answers(boss, sent)
    assert {(reply.status, reply.code) for reply in replies} == {(413, "body_too_large")}


async def test_a_body_above_the_limit_that_hides_its_size_is_refused(boss: Caller) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b" " * (MIB // 16)

    reply = await boss.send("POST", "/orders", chunks())
    assert (reply.status, reply.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/orders/0",
        "/orders/-1",
        "/orders/01",
        "/orders/9007199254740992",
        f"/orders/{'9' * 400}",
        "/orders/1e3",
        "/orders/%00",
        "/orders/1%00",
        "/orders/%ff",
        "/orders/%ed%a0%80",
        "/orders/%",
        "/orders/../../etc/passwd",
        "/orders/%2e%2e/%2e%2e/etc/passwd",
        "/orders?status=nonsense",
        "/orders?status=%00",
        "/orders?status=%ff",
        "/orders?limit=0",
        "/orders?limit=-1",
        "/orders?limit=101",
        f"/orders?limit={'9' * 400}",
        "/orders?before=1e400",
        "/products?page=0",
        "/products?page=99999999999999999999",
        "/products?min_price=1e400",
        "/products?max_price=NaN",
        "/products?sort=%27%3BDROP%20TABLE%20product",
        "/products?limit=ten",
        "/products/nothing",
        "/sagas/%F0%9F%98%80",
        f"/products?{'&'.join(f'a{n}=1' for n in range(500))}",
        f"/{'x' * 20_000}",
    ],
)
async def test_wrong_addresses_are_refused(boss: Caller, path: str) -> None:
    reply = await boss.get(path)
    assert 400 <= reply.status < 500, reply
    assert reply.code


@pytest.mark.parametrize("key", ["", '"', '"open', "k" * 256, "clé", "a\tb"])
async def test_wrong_keys_are_refused(boss: Caller, key: str) -> None:
    reply = await boss.post("/orders", order_body((1, 1)), key=key)
    assert (reply.status, reply.code) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer " + "x" * 5_000, "é"],
)
async def test_wrong_tokens_are_refused(client: ShopClient, authorization: str) -> None:
    for path in ("/orders", "/me", "/sagas"):
        reply = await client.nobody.send("GET", path, headers={"Authorization": authorization})
        assert reply.status == 401
        assert reply.code in ("invalid_token", "unauthenticated")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def answers(
    caller: Caller,
    sent: Iterable[tuple[Operation, bytes]],
    headers: dict[str, str] | None = None,
) -> list[Reply]:
    """All of it, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE_MAX)

    async def answer(operation: Operation, body: bytes) -> Reply:
        async with gate:
            return await caller.send(operation.method, operation.path, body, headers=headers)

    return await asyncio.gather(*(answer(operation, body) for operation, body in sent))


def troubles(sent: Iterable[tuple[Operation, bytes]], replies: Iterable[Reply]) -> list[str]:
    """Answers that are neither a success nor a problem of the client's making."""
    return [
        described(operation, body, reply)
        for (operation, body), reply in zip(sent, replies, strict=True)
        if reply.status >= 500 or (reply.status >= 400 and not is_problem(reply))
    ]


def refusals_missing(
    sent: Iterable[tuple[Operation, bytes]], replies: Iterable[Reply]
) -> list[str]:
    """Answers that are no problem of the client's making."""
    return [
        described(operation, body, reply)
        for (operation, body), reply in zip(sent, replies, strict=True)
        if not (400 <= reply.status < 500 and is_problem(reply))
    ]


def is_problem(reply: Reply) -> bool:
    if not reply.headers.get("Content-Type", "").startswith("application/problem+json"):
        return False
    problem = reply.json
    members = {"type", "title", "status", "detail", "instance", "code"}
    return members <= problem.keys() and bool(problem["status"] == reply.status)


def described(operation: Operation, body: bytes, reply: Reply) -> str:
    return f"{operation} {body[:200]!r}: {reply.status} {reply.body[:300]!r}"
