"""Admission tickets and challenges as JSON web tokens (HS256), signed with the service's own key.

Every process has the same key, so a ticket of one is good at all of them. A type each, so that
neither is taken for the other, nor for an access token (RFC 8725, section 3.11).
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from feira.services.flashsale.domain.waiting_room import Ticket

ALGORITHM: Final = "HS256"
TICKET_TYPE: Final = "flash-ticket+jwt"
CHALLENGE_TYPE: Final = "flash-challenge+jwt"
TOKEN_LENGTH_MAX: Final = 1024
NONCE_LENGTH_MAX: Final = 64
CHALLENGE_SECONDS: Final = 120


class SignedTickets:
    def __init__(self, key: str) -> None:
        self._key = OctKey.import_key(key.encode())

    def write(self, ticket: Ticket) -> str:
        claims = {
            "sub": str(ticket.customer_id),
            "drop": ticket.drop_id,
            "place": ticket.place,
            "exp": int(ticket.expires_at.timestamp()),
        }
        return _sign(self._key, TICKET_TYPE, claims)

    def read(self, text: str, now: datetime) -> Ticket | None:
        """None for what is not ours, damaged, or expired."""
        claims = _claims(self._key, TICKET_TYPE, text, now)
        if claims is None:
            return None
        return Ticket(
            drop_id=claims["drop"],
            customer_id=int(claims["sub"]),
            place=claims["place"],
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )


class SignedChallenges:
    """Find a nonce such that SHA-256 of `challenge.nonce` begins with so many zero bits.

    The work is a customer's and a drop's: solving it twice gives nothing, since a place is given
    once, and a solution is of no use to others.
    """

    def __init__(self, key: str) -> None:
        self._key = OctKey.import_key(key.encode())

    def make(self, drop_id: int, customer_id: int, bits: int, now: datetime) -> str:
        expires_at = now + timedelta(seconds=CHALLENGE_SECONDS)
        claims = {
            "sub": str(customer_id),
            "drop": drop_id,
            "bits": bits,
            "exp": int(expires_at.timestamp()),
        }
        return _sign(self._key, CHALLENGE_TYPE, claims)

    def is_solved(
        self, challenge: str, nonce: str, drop_id: int, customer_id: int, now: datetime
    ) -> bool:
        if len(nonce) > NONCE_LENGTH_MAX or not nonce.isascii():
            return False
        claims = _claims(self._key, CHALLENGE_TYPE, challenge, now)
        if claims is None or (claims["sub"], claims["drop"]) != (str(customer_id), drop_id):
            return False
        digest = hashlib.sha256(f"{challenge}.{nonce}".encode()).digest()
        zeros = len(digest) * 8 - int.from_bytes(digest, "big").bit_length()
        return bool(zeros >= claims["bits"])


def _sign(key: OctKey, kind: str, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": ALGORITHM}, claims, key, algorithms=[ALGORITHM], default_type=kind)


def _claims(key: OctKey, kind: str, text: str, now: datetime) -> dict[str, Any] | None:
    """What we have signed ourselves, so its claims are as we write them."""
    if not 0 < len(text) <= TOKEN_LENGTH_MAX:
        return None
    try:
        decoded = jwt.decode(text, key, algorithms=[ALGORITHM])
    except (JoseError, ValueError, RecursionError):
        return None
    claims = decoded.claims
    if decoded.header.get("typ") != kind or claims.get("exp", 0) <= now.timestamp():
        return None
    return claims
