"""Makes access tokens; only the service that owns the users holds the private key."""

from datetime import timedelta
from typing import Final

from joserfc import jwt
from joserfc.jwk import OKPKey

from feira.chassis.auth.keys import ALGORITHM
from feira.chassis.auth.verifier import TOKEN_TYPE
from feira.kernel.clock import Clock
from feira.kernel.ids import Ids

TTL_SECONDS_DEFAULT: Final = 900


class TokenSigner:
    """Signs with one key, named by its `kid`."""

    def __init__(self, private_key: OKPKey, issuer: str, audience: str, clock: Clock) -> None:
        self._key = private_key
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._ids = Ids(clock)
        self._header = {"alg": ALGORITHM, "kid": private_key.kid}

    def sign(
        self, user_id: int, role: str, session_id: str, ttl_seconds: int = TTL_SECONDS_DEFAULT
    ) -> str:
        """An access token (RFC 9068) that ends `ttl_seconds` from now."""
        now = self._clock.now()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "role": role,
            "sid": session_id,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=ttl_seconds)).timestamp()),
            "jti": str(self._ids.uuid7()),
        }
        return jwt.encode(
            self._header, claims, self._key, algorithms=[ALGORITHM], default_type=TOKEN_TYPE
        )
