"""Change one's personal data (E6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from feira.kernel.errors import Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.domain.user import NO_USER, User


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """What is UNSET stays as it is; a phone of None is taken away."""

    user_id: int
    name: str | UnsetType = UNSET
    phone: str | UnsetType | None = UNSET


async def change_profiles(
    commands: Sequence[ChangeProfile], uow: IdentityUnitOfWork
) -> list[User | Refused]:
    users = await uow.users.get_many_for_update(c.user_id for c in commands)
    outcomes = [_change(users.get(command.user_id), command) for command in commands]
    uow.users.save_many(user for user in outcomes if isinstance(user, User))
    return outcomes


def _change(user: User | None, command: ChangeProfile) -> User | Refused:
    if user is None:
        return NO_USER
    if command.name is not UNSET:
        user.name = command.name
    if command.phone is not UNSET:
        user.phone = command.phone
    return user
