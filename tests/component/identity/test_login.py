"""POST /login (B1, E6): who is let in, and what those who are not can learn."""

import asyncio
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from feira.kernel.clock import ManualClock, SystemClock
from feira.kernel.errors import Misconfigured
from feira.services.identity.bootstrap import ensure_user
from feira.services.identity.domain.user import Role
from feira.services.identity.settings import IdentitySettings
from tests.asgi import AsgiAnswer, AsgiClient
from tests.component.identity.conftest import PASSWORD, Shop, build_service, running

NOBODY = "nobody@example.com"


async def test_a_login_gives_tokens(shop: Shop) -> None:
    user_id = (await shop.register()).json["id"]
    answer = await shop.log_in()
    assert answer.status == 200
    assert answer.json.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.json["refresh_token"]) == 43, "256 random bits"
    me = await shop.api_of(answer.json["access_token"]).get("/me")
    assert (me.status, me.json["id"], me.json["email"]) == (200, user_id, "ana@example.com")


async def test_the_access_token_can_be_verified_by_anyone_with_the_public_keys(shop: Shop) -> None:
    user_id = (await shop.register()).json["id"]
    token = (await shop.log_in()).json["access_token"]
    published = await shop.api.get("/.well-known/jwks.json")
    assert published.headers["cache-control"] == "public, max-age=300"
    assert all("d" not in key for key in published.json["keys"])
    keys = KeySet.import_key_set(published.json)
    claims = jwt.decode(token, keys, algorithms=["Ed25519"]).claims
    assert (claims["sub"], claims["role"]) == (str(user_id), "customer")
    assert claims["exp"] - claims["iat"] == 900


async def test_a_wrong_password_and_an_unknown_user_are_answered_alike(shop: Shop) -> None:
    await shop.register()
    wrong = await shop.log_in(password="wrong password")
    unknown = await shop.log_in(NOBODY)
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert wrong.body == unknown.body
    assert wrong.headers.keys() == unknown.headers.keys()


@pytest.mark.parametrize("email", ["ana@example.com", NOBODY, "no address", "' OR 1=1 --"])
async def test_a_refused_login_costs_one_hash_whoever_it_is_for(shop: Shop, email: str) -> None:
    await shop.register()
    before = shop.hasher.done
    assert (await shop.log_in(email, "wrong password")).status == 401
    assert shop.hasher.done - before == 1


async def guess(
    shop: Shop, times: int, email: str, *, last: str = "wrong password"
) -> list[AsgiAnswer]:
    """All at once."""
    passwords = [*(f"wrong password {n}" for n in range(times - 1)), last]
    return list(await asyncio.gather(*(shop.log_in(email, password) for password in passwords)))


@pytest.mark.parametrize("email", ["ana@example.com", NOBODY])
async def test_fifty_guesses_at_once_learn_no_more_than_ten(shop: Shop, email: str) -> None:
    await shop.register()
    answers = await guess(shop, 50, email, last=PASSWORD)
    statuses = [answer.status for answer in answers]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 40
    assert answers[-1].code == "too_many_attempts"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 90


async def test_a_locked_address_is_told_without_any_hash_whoever_it_is(shop: Shop) -> None:
    await shop.register()
    bodies = set()
    for email in ("ana@example.com", NOBODY):
        await guess(shop, 11, email)
        before = shop.hasher.done
        answer = await shop.log_in(email)
        assert (answer.status, shop.hasher.done) == (429, before)
        bodies.add(answer.body)
    assert len(bodies) == 1


async def test_after_the_time_told_the_right_password_is_taken(shop: Shop) -> None:
    await shop.register()
    await guess(shop, 11, "ana@example.com")
    refused = await shop.log_in()
    shop.clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    assert (await shop.log_in()).status == 200
    assert [a.status for a in await guess(shop, 10, "ana@example.com")] == [401] * 10


async def test_others_are_not_kept_out_by_the_guesses_at_one(shop: Shop) -> None:
    await shop.register()
    await shop.register("bob@example.com")
    await guess(shop, 20, "ana@example.com")
    assert (await shop.log_in("bob@example.com")).status == 200


async def test_one_address_that_guesses_at_everybody_is_slowed_down(shop: Shop) -> None:
    await shop.register()
    failures_max = shop.settings.address_failures_max
    for n in range(failures_max):
        await shop.log_in(f"user{n}@example.com")
    before = shop.hasher.done
    answer = await shop.log_in()
    assert (answer.status, answer.code) == (429, "too_many_attempts")
    assert shop.hasher.done == before
    shop.clock.advance(timedelta(seconds=int(answer.headers["retry-after"])))
    assert (await shop.log_in()).status == 200


async def test_with_argon2_itself(settings: IdentitySettings) -> None:
    clock = ManualClock(SystemClock().now())
    async for service in running(build_service(settings, clock, None)):
        api = AsgiClient(service.app)
        ana = {"email": "ana@example.com", "password": PASSWORD}
        assert (await api.post("/register", {**ana, "name": "Ana"})).status == 201
        assert (await api.post("/login", ana)).status == 200
        assert (await api.post("/login", {**ana, "password": "wrong one"})).status == 401


async def test_a_crowd_at_the_login_is_told_to_come_back(settings: IdentitySettings) -> None:
    clock = ManualClock(SystemClock().now())
    small = settings.model_copy(update={"hashes_queued_max": 2})
    async for service in running(build_service(small, clock, None)):
        api = AsgiClient(service.app)
        body = {"email": "ana@example.com", "password": "wrong password"}
        answers = await asyncio.gather(*(api.post("/login", body) for _ in range(8)))
        busy = [answer for answer in answers if answer.status == 503]
        assert len(busy) >= 4
        assert {answer.code for answer in busy} == {"overloaded"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
        assert {answer.status for answer in answers} == {401, 503}


async def test_the_seed_makes_an_administrator_once(settings: IdentitySettings) -> None:
    passwords = "Adm1n-correct-horse-battery", "another long password"
    async for service in running(build_service(settings, ManualClock(SystemClock().now()), None)):
        for password in passwords:
            admin_id = await ensure_user(
                service,
                email="Admin@Example.com",
                password=password,
                name="Admin",
                role=Role.ADMIN,
                user_id=1,
            )
            assert admin_id == 1
        answers = [
            await AsgiClient(service.app).post(
                "/login", {"email": "admin@example.com", "password": password}
            )
            for password in passwords
        ]
        assert [answer.status for answer in answers] == [200, 401]
        me = await AsgiClient(service.app, answers[0].json["access_token"]).get("/me")
        assert (me.json["id"], me.json["role"], me.json["name"]) == (1, "admin", "Admin")


@pytest.mark.parametrize(
    ("email", "password"), [("admin@example.com", "password"), ("admin", "long enough 1")]
)
async def test_the_seed_makes_no_user_who_could_not_register(
    shop: Shop, email: str, password: str
) -> None:
    with pytest.raises(Misconfigured, match="admin"):
        await ensure_user(
            shop.service, email=email, password=password, name="Admin", role=Role.ADMIN
        )
