"""Who clients are: tokens that say it plainly. Signatures are proved elsewhere (tests of auth)."""

from datetime import timedelta
from typing import Final

from feira.chassis.auth.principal import ADMIN, Principal
from feira.chassis.auth.verifier import TokenVerifier
from feira.kernel.errors import Category, Refused, Rejected
from feira.simulation.clocks import START

EXPIRES_AT: Final = START + timedelta(days=365)


def authorization_of(user_id: int, *, is_admin: bool) -> bytes:
    return f"{ADMIN if is_admin else 'customer'} {user_id}".encode()


class SimulatedVerifier(TokenVerifier):
    """Without keys, and so without what a verifier is made of."""

    def __init__(self) -> None:
        """Nothing is needed."""

    def authenticate(self, authorization: bytes) -> Principal:
        role, _, user_id = authorization.decode().partition(" ")
        if not user_id.isdigit():
            raise Rejected(Refused(Category.UNAUTHENTICATED, "invalid_token", "Not a token."))
        return Principal(int(user_id), role, f"session-{user_id}", EXPIRES_AT)
