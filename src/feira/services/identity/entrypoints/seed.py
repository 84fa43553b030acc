"""How operators make users, administrators among them: never by a request (B1)."""

from collections.abc import Container
from typing import Any

from feira.chassis.lane import Lane
from feira.chassis.work import Origin
from feira.kernel.errors import FieldError, Misconfigured, Refused
from feira.services.identity.application.ensure_user import EnsureUser
from feira.services.identity.application.ports import PasswordHasher
from feira.services.identity.domain.password import check_password
from feira.services.identity.domain.user import Role, User
from feira.services.identity.entrypoints.fields import name_of, normalised_email


async def ensure_user(
    lane: Lane[Any],
    hasher: PasswordHasher,
    guessable_passwords: Container[str],
    *,
    email: str,
    password: str,
    name: str,
    role: Role,
    user_id: int | None = None,
) -> int:
    """The id of the user who has this address, made or promoted if need be (`EnsureUser`).

    Raises `Misconfigured` for values no one could register with, or an id that another user has.
    """
    try:
        email, name = normalised_email(email), name_of(name)
    except ValueError as error:
        raise Misconfigured(f"the user {email!r} of the seed {error}") from error
    weak = check_password(password, guessable_passwords, email=email)
    if weak is not None:
        raise Misconfigured(f"the password of {email} {_reason(weak.errors)}")
    password_hash = await hasher.hash(password)
    command = EnsureUser(email, name, role, password_hash, user_id)
    outcome: User | Refused = await lane.ask(command, origin=Origin(correlation_id="seed"))
    if isinstance(outcome, Refused):
        raise Misconfigured(f"{email}: {outcome.detail}")
    return outcome.id


def _reason(errors: tuple[FieldError, ...]) -> str:
    return ", ".join(error.detail for error in errors)
