"""The users of a seed: one that nobody could register as stops the start, and is told."""

from typing import Any, NoReturn, cast

import pytest

from feira.chassis.lane import Lane
from feira.kernel.errors import Misconfigured
from feira.services.identity.domain.user import Role
from feira.services.identity.entrypoints.seed import ensure_user


class NobodyAsks:
    """A lane and a hasher that are not to be used."""

    async def ask(self, *_command: Any, **_origin: Any) -> NoReturn:
        raise AssertionError("a user that cannot be was asked for")

    hash = ask


@pytest.mark.parametrize(
    ("email", "name", "password"),
    [
        ("admin", "Admin", "Adm1n-correct-horse"),
        ("admin@example.com", " ", "Adm1n-correct-horse"),
        ("admin@example.com", "Admin", "guessable password"),
    ],
)
async def test_a_user_who_could_not_register_is_not_made(
    email: str, name: str, password: str
) -> None:
    nobody: Any = NobodyAsks()
    with pytest.raises(Misconfigured, match="admin"):
        await ensure_user(
            cast("Lane[Any]", nobody),
            nobody,
            {"guessable password"},
            email=email,
            password=password,
            name=name,
            role=Role.ADMIN,
        )
