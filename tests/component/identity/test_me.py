"""/me, /me/password and /me/addresses (E6)."""

import asyncio

import pytest

from tests.component.identity.conftest import PASSWORD, Shop

HOME = {
    "street": "Rua Exemplo",
    "number": "10A",
    "city": "São Paulo",
    "state": "SP",
    "country": "Brazil",
    "zipcode": "00000000",
}
NEW = "another long password"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me"),
        ("PATCH", "/me"),
        ("POST", "/me/password"),
        ("GET", "/me/addresses"),
        ("POST", "/me/addresses"),
        ("GET", "/me/addresses/1"),
        ("PUT", "/me/addresses/1"),
        ("DELETE", "/me/addresses/1"),
    ],
)
async def test_it_is_for_who_is_signed_in(shop: Shop, method: str, path: str) -> None:
    body: object = None if method in {"GET", "DELETE"} else {}
    answer = await shop.api.send(method, path, body)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert (await (await shop.signed_in()).send(method, path, body)).status != 401


async def test_a_profile_changes_in_what_is_said(shop: Shop) -> None:
    me = await shop.signed_in()
    changed = await me.send("PATCH", "/me", {"phone": "+55 (11) 99999-0000"})
    assert (changed.status, changed.json["phone"]) == (200, "+5511999990000")
    await me.send("PATCH", "/me", {"name": "  Ana Silva "})
    profile = (await me.get("/me")).json
    assert (profile["name"], profile["phone"]) == ("Ana Silva", "+5511999990000")
    assert profile.keys() == {"id", "email", "name", "role", "phone", "created_at"}
    cleared = await me.send("PATCH", "/me", {"phone": None})
    assert cleared.json["phone"] is None


@pytest.mark.parametrize("change", [{"name": None}, {"name": ""}, {"phone": "x"}, {"phone": 1}])
async def test_values_that_do_not_fit(shop: Shop, change: dict[str, object]) -> None:
    me = await shop.signed_in()
    answer = await me.send("PATCH", "/me", change)
    assert (answer.status, answer.code) == (422, "invalid_body")
    assert (await me.get("/me")).json["name"] == "Ana"


async def test_a_changed_password_is_the_only_one_and_ends_other_sessions(shop: Shop) -> None:
    me = await shop.signed_in()
    other = shop.api_of((await shop.log_in()).json["access_token"])
    answer = await me.post("/me/password", {"current": PASSWORD, "new": NEW})
    assert answer.status == 204
    assert (await shop.log_in()).status == 401
    assert (await shop.log_in(password=NEW)).status == 200
    assert (await me.get("/me")).status == 200
    assert (await other.get("/me")).status == 401


async def test_a_password_is_not_changed_by_who_does_not_know_it(shop: Shop) -> None:
    me = await shop.signed_in()
    answers = await asyncio.gather(
        *(me.post("/me/password", {"current": f"guess {n} guess", "new": NEW}) for n in range(30))
    )
    statuses = [answer.status for answer in answers]
    assert (statuses.count(403), statuses.count(429)) == (10, 20)
    refused = next(answer for answer in answers if answer.status == 403)
    assert refused.code == "wrong_password"
    assert (await me.post("/me/password", {"current": PASSWORD, "new": NEW})).status == 429


async def test_a_new_password_is_not_weak(shop: Shop) -> None:
    me = await shop.signed_in()
    answer = await me.post("/me/password", {"current": PASSWORD, "new": "password"})
    assert (answer.status, answer.code) == (422, "weak_password")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/new"]


async def test_addresses_are_added_changed_and_removed(shop: Shop) -> None:
    me = await shop.signed_in()
    added = await me.post("/me/addresses", HOME)
    assert added.status == 201
    assert added.json.items() >= HOME.items()
    place = f"/me/addresses/{added.json['id']}"
    assert (await me.get(place)).json == added.json
    moved = await me.put(place, {**HOME, "street": "Rua Nova", "complement": "ap. 3"})
    assert (moved.status, moved.json["complement"]) == (200, "ap. 3")
    listed = (await me.get("/me/addresses")).json
    assert listed == {"items": [moved.json], "total": 1, "page": 1, "limit": 20}
    assert (await me.delete(place)).status == 204
    assert (await me.delete(place)).code == "address_not_found"
    assert (await me.get("/me/addresses")).json["items"] == []


async def test_there_is_room_for_twenty(shop: Shop) -> None:
    me = await shop.signed_in()
    answers = await asyncio.gather(*(me.post("/me/addresses", HOME) for _ in range(25)))
    assert sorted(answer.status for answer in answers) == [201] * 20 + [409] * 5
    assert (await me.get("/me/addresses")).json["total"] == 20


async def test_the_same_key_adds_one_address(shop: Shop) -> None:
    me, key = await shop.signed_in(), {"Idempotency-Key": "address-1"}
    answers = await asyncio.gather(
        *(me.post("/me/addresses", HOME, headers=key) for _ in range(50))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert (await me.get("/me/addresses")).json["total"] == 1


async def test_nobody_reaches_anothers_addresses(shop: Shop) -> None:
    ana, bob = await shop.signed_in(), await shop.signed_in("bob@example.com")
    place = f"/me/addresses/{(await ana.post('/me/addresses', HOME)).json['id']}"
    for answer in (await bob.get(place), await bob.put(place, HOME), await bob.delete(place)):
        assert (answer.status, answer.code) == (404, "address_not_found")
    assert (await ana.get(place)).status == 200


@pytest.mark.parametrize("address_id", ["0", "-1", "x", "9007199254740992", "1.5", "%00"])
async def test_what_is_no_id_is_nowhere(shop: Shop, address_id: str) -> None:
    me = await shop.signed_in()
    assert (await me.get(f"/me/addresses/{address_id}")).status == 404


@pytest.mark.parametrize(
    "change",
    [{"zipcode": 0}, {"street": ""}, {"city": "x" * 201}, {"state": None}, {"number": "1\n2"}],
)
async def test_an_address_that_does_not_fit(shop: Shop, change: dict[str, object]) -> None:
    me = await shop.signed_in()
    answer = await me.post("/me/addresses", {**HOME, **change})
    assert (answer.status, answer.code) == (422, "invalid_body")
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/{next(iter(change))}"]


async def test_every_route_is_documented(shop: Shop) -> None:
    paths = shop.service.app.app.openapi()["paths"]
    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert documented == set(shop.service.app.route_table())
    assert ("POST", "/register") in documented
    assert ("GET", "/.well-known/jwks.json") in documented
