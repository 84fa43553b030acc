"""Check a password before the lane is entered: hashing is long work, and has no place in a
transaction. What was proved here is judged there (`domain/attempts.py`).
"""

from datetime import datetime

from feira.kernel.errors import Refused
from feira.services.identity.application.ports import Credentials, PasswordHasher
from feira.services.identity.domain.attempts import USER_LIMIT, too_many


async def prove_password(
    password: str, credentials: Credentials, hasher: PasswordHasher, now: datetime
) -> str | Refused | None:
    """The hash that the password matches; None when it matches none, after the same work.

    Refused without work while too many failures are known. Raises `Overloaded`.
    """
    if credentials.empty_at is not None:
        refused = too_many(credentials.empty_at, USER_LIMIT, now)
        if refused is not None:
            return refused
    matches = await hasher.matches(password, credentials.password_hash)
    return credentials.password_hash if matches else None
