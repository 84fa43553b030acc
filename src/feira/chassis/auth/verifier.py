"""Access tokens: verified once, then known by heart for as long as they last.

RFC 9068 profile (`typ: at+jwt`) under the rules of RFC 8725: one allowed algorithm, keys by `kid`
from our own file only (`jku`, `jwk` and `x5u` of a token are never followed), and issuer, audience,
type and times checked.
"""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from feira.chassis.auth.keys import ALGORITHM
from feira.chassis.auth.principal import ROLE_LENGTH_MAX, Principal
from feira.chassis.auth.revocations import RevokedSessions
from feira.kernel.clock import Clock
from feira.kernel.errors import Category, Refused, Rejected
from feira.kernel.ids import NUMBER_MAX

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
TOKENS_CACHED_MAX: Final = 50_000
TOKEN_SIZE_BYTES_MAX: Final = 4096
CLOCK_SKEW_SECONDS: Final = 5


class KeySource(Protocol):
    """Where the public keys come from; `version` changes with them."""

    version: int

    def current(self, now: datetime) -> KeySet: ...


class TokenVerifier:
    """Tells who an `Authorization` header names.

    A known token costs under 1 µs; its end, its session and the key set are looked at each time.
    Refused tokens are not remembered.
    """

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        clock: Clock,
        revoked: RevokedSessions | None = None,
        tokens_cached_max: int = TOKENS_CACHED_MAX,
    ) -> None:
        self.revoked = RevokedSessions() if revoked is None else revoked
        self._keys = keys
        self._keys_version = keys.version
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._cached_max = tokens_cached_max
        self._cached: OrderedDict[bytes, Principal] = OrderedDict()

    def authenticate(self, authorization: bytes) -> Principal:
        """The principal of an `Authorization` header's value; raises `Rejected` (401)."""
        now = self._clock.now()
        keys = self._keys.current(now)
        if self._keys.version != self._keys_version:
            self._keys_version = self._keys.version
            self._cached.clear()
        principal = self._cached.get(authorization)
        if principal is None:
            principal = self._verify(authorization, keys, now)
            self._remember(authorization, principal)
        else:
            self._cached.move_to_end(authorization)
        if principal.expires_at <= now:
            del self._cached[authorization]
            raise _invalid("The token has expired.")
        if principal.session_id in self.revoked:
            raise _invalid("The session has ended.")
        return principal

    def _remember(self, authorization: bytes, principal: Principal) -> None:
        self._cached[authorization] = principal
        if len(self._cached) > self._cached_max:
            self._cached.popitem(last=False)

    def _verify(self, authorization: bytes, keys: KeySet, now: datetime) -> Principal:
        token = _bearer_token(authorization)
        try:
            decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
            self._claims_registry(now).validate(decoded.claims)
        except (JoseError, ValueError, RecursionError) as error:
            raise _invalid("The token is not valid.") from error
        header = decoded.header
        if str(header.get("typ")).lower() != TOKEN_TYPE or "kid" not in header:
            raise _invalid("The token is not an access token.")
        return _principal(decoded.claims)

    def _claims_registry(self, now: datetime) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            sid={"essential": True},
            role={"essential": True},
            iat={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
        )


def _bearer_token(authorization: bytes) -> str:
    """RFC 6750, section 2.1; the scheme's name is in any case (RFC 9110, section 11.1)."""
    scheme, _, token = authorization.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not 0 < len(token) <= TOKEN_SIZE_BYTES_MAX:
        raise _invalid("A bearer token is needed.")
    return token.decode("latin-1")


def _principal(claims: dict[str, Any]) -> Principal:
    subject, role, session_id = claims["sub"], claims["role"], claims["sid"]
    texts = isinstance(session_id, str) and isinstance(role, str)
    if not texts or len(role) > ROLE_LENGTH_MAX:
        raise _invalid("The token's claims do not fit.")
    if not (subject.isascii() and subject.isdigit() and len(subject) <= 16):
        raise _invalid("The token's subject is no user.")
    if not 0 < int(subject) <= NUMBER_MAX:
        raise _invalid("The token's subject is no user.")
    try:
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _invalid("The token's end is no date.") from error
    return Principal(int(subject), role, session_id, expires_at)


def _invalid(detail: str) -> Rejected:
    return Rejected(Refused(Category.UNAUTHENTICATED, "invalid_token", detail))
