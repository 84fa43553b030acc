"""A user, and the password hash that proves who they are (E6, B1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from feira.kernel.errors import Category, FieldError, Refused


class Role(StrEnum):
    CUSTOMER = "customer"
    ADMIN = "admin"


EMAIL_TAKEN: Final = Refused(
    Category.CONFLICT,
    "email_taken",
    "There is a user with this e-mail address already.",
    (FieldError("/email", "is taken"),),
)
USER_ID_TAKEN: Final = Refused(
    Category.CONFLICT, "user_id_taken", "Another user has this id already."
)
WRONG_PASSWORD: Final = Refused(
    Category.FORBIDDEN,
    "wrong_password",
    "The current password is another one.",
    (FieldError("/current", "is not the password"),),
)
NO_USER: Final = Refused(
    Category.UNAUTHENTICATED, "invalid_token", "The token's user does not exist any more."
)


@dataclass(slots=True)
class User:
    """`email` is normalised: two spellings of one address are equal texts."""

    id: int
    email: str
    name: str
    role: Role
    password_hash: str
    created_at: datetime
    phone: str | None = None


def proved_user(
    users: Mapping[int, User], user_id: int | None, proved_hash: str | None
) -> User | None:
    """The user whose password was right, if it still is.

    It was checked before this transaction began, against the hash that was read then: a password
    changed meanwhile makes the proof void. None: the check itself failed.
    """
    user = None if user_id is None else users.get(user_id)
    return user if user is not None and user.password_hash == proved_hash else None
