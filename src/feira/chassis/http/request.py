"""A request as routes see it: who, from where, with which key; read when it is asked for."""

import re
from hashlib import blake2b
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from feira.chassis.auth.principal import Principal
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.http.addresses import TRUSTED_PEERS
from feira.chassis.http.json_body import decode_struct, is_json
from feira.chassis.work import IdempotencyKey, Origin
from feira.kernel.errors import Category, Refused, Rejected

T = TypeVar("T")

IDEMPOTENCY_KEY_LENGTH_MAX: Final = 255
QUERY_FIELDS_MAX: Final = 100
FINGERPRINT_SIZE_BYTES: Final = 16

SIGN_IN: Final = Refused(Category.UNAUTHENTICATED, "unauthenticated", "Sign in first.")
ADMINS_ONLY: Final = Refused(Category.FORBIDDEN, "forbidden", "This is for administrators.")

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_QUOTED_KEY: Final = re.compile(r'"((?:[^"\\]|\\["\\])+)"')  # RFC 8941, section 3.3.3
_UNSET: Final[Any] = object()


class HttpRequest:
    """One request: `method`, `path` (unescaped), `body` (read whole) and what its headers say.

    `headers` has lower-case names; the last value where a name came twice.

    Raises `Rejected` from the property whose header is wrong, and only when it is read.
    """

    __slots__ = (
        "_client",
        "_principal",
        "_verifier",
        "body",
        "correlation_id",
        "headers",
        "method",
        "path",
        "query_string",
    )

    def __init__(
        self,
        scope: Any,
        headers: dict[bytes, bytes],
        correlation_id: str,
        verifier: TokenVerifier | None,
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.body = b""
        self.correlation_id = correlation_id
        self._client = scope.get("client")
        self.headers = headers
        self._principal: Principal | None = _UNSET
        self.query_string: bytes = scope["query_string"]
        self._verifier = verifier

    def header(self, name: str) -> str | None:
        """A header's value by its name in any case; the last one when it came twice."""
        value = self.headers.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON, or says nothing."""
        return is_json(self.headers.get(b"content-type"))

    @property
    def principal(self) -> Principal | None:
        """The caller, or None without an `Authorization` header; a bad token is a 401."""
        if self._principal is _UNSET:
            authorization = self.headers.get(b"authorization")
            if authorization is None or self._verifier is None:
                self._principal = None
            else:
                self._principal = self._verifier.authenticate(authorization)
        return self._principal

    @property
    def current_principal(self) -> Principal:
        """The caller; 401 when there is none."""
        principal = self.principal
        if principal is None:
            raise Rejected(SIGN_IN)
        return principal

    @property
    def admin_principal(self) -> Principal:
        """The caller, an administrator; else 401 or 403."""
        principal = self.current_principal
        if not principal.is_admin:
            raise Rejected(ADMINS_ONLY)
        return principal

    @property
    def origin(self) -> Origin:
        traceparent = self.headers.get(b"traceparent")
        if traceparent is None:
            return Origin(self.correlation_id)
        text = traceparent.decode("latin-1")
        return Origin(self.correlation_id, None, text if _TRACEPARENT.fullmatch(text) else None)

    @property
    def client_address(self) -> str:
        """The client's address: as the gateway says, or the peer's own where it is no gateway."""
        peer: str = self._client[0] if self._client else ""
        if peer in TRUSTED_PEERS and (real := self.headers.get(b"x-real-ip")) is not None:
            return real.decode("latin-1")
        return peer

    @property
    def idempotency(self) -> IdempotencyKey | None:
        """The caller's key with the fingerprint of the whole request; None without the header."""
        raw = self.headers.get(b"idempotency-key")
        if raw is None:
            return None
        principal = self.principal
        caller = f"anonymous:{self.client_address}" if principal is None else str(principal.id)
        return IdempotencyKey(caller, _idempotency_key(raw), self._fingerprint())

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; the last one when a name came twice."""
        text = self.query_string.decode("latin-1")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX))

    def _fingerprint(self) -> bytes:
        head = f"{self.method} {self.path}\0".encode("utf-8", "replace")
        return blake2b(head + self.body, digest_size=FINGERPRINT_SIZE_BYTES).digest()


class HotRequest(HttpRequest):
    """What a hot route's handler is given; `path_ids` are the numbers of its template, in order."""

    __slots__ = ("path_ids",)

    def __init__(
        self,
        scope: Any,
        headers: dict[bytes, bytes],
        correlation_id: str,
        verifier: TokenVerifier | None,
        path_ids: tuple[int, ...],
    ) -> None:
        super().__init__(scope, headers, correlation_id, verifier)
        self.path_ids = path_ids

    def decode(self, kind: type[T]) -> T:
        """The JSON body as `kind`; 400 when it is not JSON, 422 when it does not fit."""
        return decode_struct(self.body, kind)


def _idempotency_key(raw: bytes) -> str:
    """A key, bare or quoted: 1 to 255 printable ASCII characters."""
    key = raw.decode("latin-1")
    if key.startswith('"'):
        quoted = _QUOTED_KEY.fullmatch(key)
        key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else ""
    if 1 <= len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX and key.isascii() and key.isprintable():
        return key
    detail = (
        f"Idempotency-Key must be 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable ASCII characters."
    )
    raise Rejected(Refused(Category.MALFORMED, "invalid_idempotency_key", detail))
