"""Refresh and logout (E6, E7): what a session's tokens are good for, and until when."""

import asyncio
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest

from feira.chassis.auth.keys import load_signing_key
from feira.chassis.following import follow
from feira.contracts.identity import SessionRevoked
from tests.asgi import AsgiAnswer
from tests.component.identity.conftest import PASSWORD, Shop


async def tokens_of(shop: Shop) -> dict[str, Any]:
    await shop.register()
    tokens: dict[str, Any] = (await shop.log_in()).json
    return tokens


async def refresh(shop: Shop, refresh_token: str) -> AsgiAnswer:
    return await shop.api.post("/token/refresh", {"refresh_token": refresh_token})


async def is_signed_in(shop: Shop, access_token: str) -> bool:
    return (await shop.api_of(access_token).get("/me")).status == 200


async def test_a_refresh_gives_new_tokens_of_the_same_form(shop: Shop) -> None:
    first = await tokens_of(shop)
    shop.clock.advance(timedelta(minutes=16))
    assert not await is_signed_in(shop, first["access_token"])
    answer = await refresh(shop, first["refresh_token"])
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json.keys() == first.keys()
    assert answer.json["refresh_token"] != first["refresh_token"]
    assert await is_signed_in(shop, answer.json["access_token"])


async def test_a_refresh_token_that_comes_again_ends_the_whole_session(shop: Shop) -> None:
    first = await tokens_of(shop)
    second = (await refresh(shop, first["refresh_token"])).json
    again = await refresh(shop, first["refresh_token"])
    assert (again.status, again.code) == (401, "invalid_refresh_token")
    assert not await is_signed_in(shop, second["access_token"])
    assert (await refresh(shop, second["refresh_token"])).status == 401


async def test_of_uses_at_once_one_wins_and_the_session_ends(shop: Shop) -> None:
    first = await tokens_of(shop)
    answers = await asyncio.gather(*(refresh(shop, first["refresh_token"]) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 19
    [winner] = [answer.json for answer in answers if answer.status == 200]
    assert not await is_signed_in(shop, winner["access_token"])
    assert (await refresh(shop, winner["refresh_token"])).status == 401


async def test_other_sessions_go_on(shop: Shop) -> None:
    first = await tokens_of(shop)
    other = (await shop.log_in()).json
    for _ in range(2):
        await refresh(shop, first["refresh_token"])
    assert await is_signed_in(shop, other["access_token"])
    assert (await refresh(shop, other["refresh_token"])).status == 200


@pytest.mark.parametrize("made_up", ["x", "A" * 43, "' OR 1=1 --", "ã" * 100])
async def test_a_token_that_nobody_issued_is_refused_in_the_same_words(
    shop: Shop, made_up: str
) -> None:
    first = await tokens_of(shop)
    await refresh(shop, first["refresh_token"])
    spent = await refresh(shop, first["refresh_token"])
    answer = await refresh(shop, made_up)
    assert (answer.status, answer.body) == (401, spent.body)


async def test_a_session_ends_after_thirty_days(shop: Shop) -> None:
    first = await tokens_of(shop)
    shop.clock.advance(timedelta(days=29))
    second = (await refresh(shop, first["refresh_token"])).json
    shop.clock.advance(timedelta(days=1))
    assert (await refresh(shop, second["refresh_token"])).status == 401


async def test_a_logout_really_ends_the_session(shop: Shop) -> None:
    tokens = await tokens_of(shop)
    other = (await shop.log_in()).json
    answer = await shop.api_of(tokens["access_token"]).post("/logout")
    assert (answer.status, answer.body) == (204, b"")
    again = await shop.api_of(tokens["access_token"]).post("/logout")
    assert (again.status, again.code) == (401, "invalid_token")
    assert (await refresh(shop, tokens["refresh_token"])).status == 401
    assert await is_signed_in(shop, other["access_token"])


async def test_nobody_is_logged_out_without_a_token(shop: Shop) -> None:
    answer = await shop.api.post("/logout")
    assert (answer.status, answer.code) == (401, "unauthenticated")


async def test_all_services_hear_of_it(shop: Shop) -> None:
    tokens = await tokens_of(shop)
    heard: asyncio.Queue[SessionRevoked] = asyncio.Queue()
    following = asyncio.create_task(
        follow(shop.service.parts.transport, SessionRevoked, heard.put_nowait, 1200)
    )
    await shop.api_of(tokens["access_token"]).post("/logout")
    async with asyncio.timeout(60):
        revoked = await heard.get()
    following.cancel()
    claims = claims_of(tokens["access_token"])
    assert revoked.session_id == claims["sid"]
    assert revoked.until >= claims["exp"]


def claims_of(access_token: str) -> dict[str, Any]:
    payload = access_token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=="))
    return claims


def encoded(part: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def test_a_token_that_says_it_needs_no_signature_is_refused(shop: Shop) -> None:
    claims = {**claims_of((await tokens_of(shop))["access_token"]), "role": "admin"}
    for algorithm in ("none", "None", "NONE", ""):
        forged = f"{encoded({'alg': algorithm, 'typ': 'at+jwt'})}.{encoded(claims)}."
        assert not await is_signed_in(shop, forged)


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(shop: Shop) -> None:
    claims = claims_of((await tokens_of(shop))["access_token"])
    signing_key = load_signing_key(shop.settings.signing_key_file)
    for secret in (signing_key.as_pem(private=False), shop.settings.jwks_file.read_bytes()):
        header = {"alg": "HS256", "kid": signing_key.kid, "typ": "at+jwt"}
        signed = f"{encoded(header)}.{encoded(claims)}"
        signature = urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).decode()
        assert not await is_signed_in(shop, f"{signed}.{signature.rstrip('=')}")


async def test_a_token_whose_role_was_changed_is_refused(shop: Shop) -> None:
    header, _, signature = (token := (await tokens_of(shop))["access_token"]).split(".")
    forged = f"{header}.{encoded({**claims_of(token), 'role': 'admin'})}.{signature}"
    assert not await is_signed_in(shop, forged)
    assert await is_signed_in(shop, token)


async def test_a_password_never_comes_back(shop: Shop) -> None:
    await shop.register()
    bodies = [(await shop.log_in()).body, (await shop.log_in(password=PASSWORD * 2)).body]
    assert all(PASSWORD.encode() not in body for body in bodies)
