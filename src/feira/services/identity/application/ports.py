"""What the use cases need, in their own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.identity.domain.address_book import Address, AddressBook
from feira.services.identity.domain.attempts import Attempts
from feira.services.identity.domain.session import Session
from feira.services.identity.domain.user import User


class UserRepository(Protocol):
    """The mappings it returns grow with what is added later in the same transaction."""

    async def get_many_for_update(self, user_ids: Iterable[int]) -> Mapping[int, User]:
        """The users that exist, locked in the order of their ids."""
        ...

    async def by_email_for_update(self, emails: Iterable[str]) -> Mapping[str, User]: ...

    def add_many(self, users: Iterable[User]) -> None: ...

    def save_many(self, users: Iterable[User]) -> None: ...


class SessionRepository(Protocol):
    """The mappings it returns grow with what is added and saved later in the same transaction."""

    async def get_many_for_update(self, session_ids: Iterable[str]) -> Mapping[str, Session]: ...

    async def by_refresh_hash_for_update(self, hashes: Iterable[bytes]) -> Mapping[bytes, Session]:
        """The sessions that issued these refresh tokens, whether they are still good or not."""
        ...

    async def of_users_for_update(
        self, user_ids: Iterable[int]
    ) -> Mapping[int, Mapping[str, Session]]:
        """The sessions of these users that have not been ended, by user and id."""
        ...

    def add_many(self, sessions: Iterable[Session]) -> None: ...

    def save_many(self, sessions: Iterable[Session]) -> None: ...

    async def ended_since(self, since: datetime, sessions_max: int) -> Sequence[Session]:
        """The last ones to end after `since`, in the order of their end."""
        ...

    async def forget(
        self, *, expired_before: datetime, ended_before: datetime, sessions_max: int
    ) -> int:
        """Drop sessions that nobody can use any more, with their tokens; returns how many."""
        ...


class AttemptsRepository(Protocol):
    async def get_many_for_update(self, emails: Iterable[str]) -> Mapping[str, Attempts]:
        """The failures of each of these addresses; of an unknown one there are none."""
        ...

    def save_many(self, attempts: Iterable[Attempts]) -> None: ...

    async def forget(self, *, empty_before: datetime, attempts_max: int) -> int:
        """Drop what has been forgiven; returns how many."""
        ...


class AddressBookRepository(Protocol):
    async def get_many_for_update(self, user_ids: Iterable[int]) -> Mapping[int, AddressBook]:
        """The address books of those users that exist; a new user's is empty."""
        ...

    def save_many(self, books: Iterable[AddressBook]) -> None: ...


class IdentityUnitOfWork(UnitOfWork, Protocol):
    @property
    def users(self) -> UserRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def attempts(self) -> AttemptsRepository: ...

    @property
    def address_books(self) -> AddressBookRepository: ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against; `empty_at` is that of the address's failed attempts."""

    email: str
    user_id: int | None = None
    password_hash: str | None = field(default=None, repr=False)
    empty_at: datetime | None = None


class IdentityQueries(Protocol):
    async def credentials(self, email: str) -> Credentials:
        """Also for an address that nobody has registered: with no user and no hash."""
        ...

    async def credentials_of(self, user_id: int) -> Credentials | None: ...

    async def user(self, user_id: int) -> User | None: ...

    async def addresses(self, user_id: int) -> Mapping[int, Address]:
        """By id, in the order they were added."""
        ...


class PasswordHasher(Protocol):
    async def hash(self, password: str) -> str:
        """A salted hash. Raises `Overloaded` when too many wait for theirs."""
        ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is this password's; for None, False after the same work.

        Raises `Overloaded` when too many wait.
        """
        ...
