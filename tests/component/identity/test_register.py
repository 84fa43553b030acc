"""POST /register (E6)."""

import asyncio

import pytest

from feira.contracts.identity import UserRegistered
from tests.component.identity.conftest import PASSWORD, Shop

ANA = {"email": "ana@example.com", "password": PASSWORD, "name": "Ana"}


async def test_who_registers_is_a_customer(shop: Shop) -> None:
    answer = await shop.api.post("/register", ANA)
    assert answer.status == 201
    user_id = answer.json["id"]
    assert 0 < user_id < 2**53
    assert answer.json == {
        "id": user_id,
        "email": "ana@example.com",
        "name": "Ana",
        "role": "customer",
    }


@pytest.mark.parametrize(
    "extra",
    [
        {"role": "admin"},
        {"role": ["admin"], "roles": ["admin"], "is_admin": True, "id": 1},
        {"password_hash": "x", "created_at": "1970-01-01"},
    ],
)
async def test_nobody_makes_themselves_an_administrator(
    shop: Shop, extra: dict[str, object]
) -> None:
    answer = await shop.api.post("/register", {**ANA, **extra})
    assert (answer.status, answer.json["role"]) == (201, "customer")
    me = shop.api_of((await shop.log_in()).json["access_token"])
    assert (await me.get("/me")).json["role"] == "customer"
    await me.send("PATCH", "/me", {"name": "Ana", **extra})
    assert (await me.get("/me")).json["role"] == "customer"
    assert (await me.get("/me")).json["id"] != 1


async def test_the_news_goes_out_once(shop: Shop) -> None:
    broadcast = await shop.service.parts.transport.subscribe_broadcast([UserRegistered.TOPIC], 60)
    user_id = (await shop.register()).json["id"]
    await shop.register()
    async with asyncio.timeout(60):
        while not (deliveries := await broadcast.receive()):
            pass
    [delivery] = deliveries
    assert delivery.envelope.body.count(UserRegistered.TYPE.encode()) == 1
    assert str(user_id).encode() in delivery.envelope.body
    assert PASSWORD.encode() not in delivery.envelope.body
    await broadcast.close()


async def test_an_address_is_registered_once_however_it_is_written(shop: Shop) -> None:
    await shop.register("Ana@Example.com")
    answer = await shop.register("ANA@EXAMPLE.COM")
    assert (answer.status, answer.code) == (409, "email_taken")
    assert answer.json["errors"] == [{"pointer": "/email", "detail": "is taken"}]
    assert (await shop.log_in("aNa@eXample.com")).status == 200


async def test_fifty_at_once_with_one_address_make_one_user(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.register() for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"password": "short"}, "weak_password", "/password"),
        ({"password": "password1"}, "weak_password", "/password"),
        ({"password": "ana@example.com"}, "weak_password", "/password"),
        ({"password": "x" * 1025}, "invalid_body", "/password"),
        ({"password": "é" * 600}, "invalid_body", "/password"),
        ({"password": None}, "invalid_body", "/password"),
        ({"password": 12345678}, "invalid_body", "/password"),
        ({"email": "ana"}, "invalid_body", "/email"),
        ({"email": "ana@example.com" + "m" * 300}, "invalid_body", "/email"),
        ({"email": ["ana@example.com"]}, "invalid_body", "/email"),
        ({"name": " "}, "invalid_body", "/name"),
        ({"name": "x" * 201}, "invalid_body", "/name"),
    ],
)
async def test_values_that_do_not_fit(
    shop: Shop, change: dict[str, object], code: str, pointer: str
) -> None:
    answer = await shop.api.post("/register", {**ANA, **change})
    assert (answer.status, answer.code) == (422, code)
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert "short" not in answer.body.decode()


async def test_a_long_password_is_used_whole(shop: Shop) -> None:
    password = "a long passphrase, " * 7
    await shop.api.post("/register", {**ANA, "password": password})
    assert (await shop.log_in(password=password)).status == 200
    assert (await shop.log_in(password=password[:-1])).status == 401


@pytest.mark.parametrize("path", ["/register", "/login", "/token/refresh"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b"\xff\xfe", 400, "not_json"),
        (b"[" * 100_000, 400, "not_json"),
        (b"[]", 422, "invalid_body"),
        (b"null", 422, "invalid_body"),
        (b"{}", 422, "invalid_body"),
        (b'{"email": 1e999999, "password": {}, "refresh_token": 1}', 422, "invalid_body"),
        (b'{"email": "\\u0000", "password": "long enough 1"}', 422, "invalid_text"),
        (b'{"email": "a@example.com", "password": "nul \\u0000 nul"}', 422, "invalid_text"),
        (b'{"refresh_token": "half a \\ud800 character"}', 422, "invalid_text"),
    ],
)  # fmt: skip
async def test_bad_input_is_never_our_fault(
    shop: Shop, path: str, body: bytes, status: int, code: str
) -> None:
    answer = await shop.api.post(path, body=body)
    assert (answer.status, answer.code) == (status, code)


async def test_the_same_key_gives_the_same_answer_even_fifty_at_once(shop: Shop) -> None:
    key = {"Idempotency-Key": "registration-1"}
    answers = await asyncio.gather(
        *(shop.api.post("/register", ANA, headers=key) for _ in range(50))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1


async def test_the_same_key_with_another_password_is_refused(shop: Shop) -> None:
    key = {"Idempotency-Key": "registration-1"}
    await shop.api.post("/register", ANA, headers=key)
    other = {**ANA, "password": "another long password"}
    answer = await shop.api.post("/register", other, headers=key)
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
