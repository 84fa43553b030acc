"""The identity API (E6, E7, B1): all of it FastAPI, since a password's hash costs far more."""

import msgspec
from fastapi import Response

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.services.identity.entrypoints.api_parts import ApiParts
from feira.services.identity.entrypoints.http_addresses import address_routes
from feira.services.identity.entrypoints.http_sessions import session_routes
from feira.services.identity.entrypoints.http_users import user_routes

KEYS_CACHED_SECONDS = 300


def cold_routes(parts: ApiParts) -> list[Router]:
    return [user_routes(parts), session_routes(parts), address_routes(parts), key_routes(parts)]


def key_routes(parts: ApiParts) -> Router:
    router = Router(tags=["keys"])

    @router.get("/.well-known/jwks.json")
    async def public_keys() -> Response:
        """The keys that access tokens are verified with (RFC 7517)."""
        keys = parts.keys.current(parts.clock.now()).as_dict(private=False)
        cache = ("Cache-Control", f"public, max-age={KEYS_CACHED_SECONDS}")
        return to_response(json_answer(200, msgspec.to_builtins(keys), (cache,)))

    return router
