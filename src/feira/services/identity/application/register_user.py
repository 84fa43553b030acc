"""Register a customer (E6). No one becomes an administrator in this way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from feira.kernel.errors import Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import user_registered
from feira.services.identity.domain.user import EMAIL_TAKEN, Role, User


@dataclass(frozen=True, slots=True)
class RegisterUser:
    """`email` is normalised; the password was hashed before, outside of any transaction."""

    email: str
    name: str
    password_hash: str = field(repr=False)


async def register_users(
    commands: Sequence[RegisterUser], uow: IdentityUnitOfWork
) -> list[User | Refused]:
    users = await uow.users.by_email_for_update(c.email for c in commands)
    outcomes: list[User | Refused] = []
    for command in commands:
        if command.email in users:
            outcomes.append(EMAIL_TAKEN)
            continue
        user = _new_user(command, uow)
        uow.users.add_many([user])
        outcomes.append(user)
    uow.outbox.announce([user_registered(o)] if isinstance(o, User) else [] for o in outcomes)
    return outcomes


def _new_user(command: RegisterUser, uow: IdentityUnitOfWork) -> User:
    return User(
        id=uow.ids.number(),
        email=command.email,
        name=command.name,
        role=Role.CUSTOMER,
        password_hash=command.password_hash,
        created_at=uow.now,
    )
