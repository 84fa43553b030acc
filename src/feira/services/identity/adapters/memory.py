"""Identity in memory, behind the same ports: for tests and the simulation.

A unit of work takes its own copies of the tables and puts them in their place when it is flushed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from feira.chassis.outbox import Outbox
from feira.kernel.ids import Ids
from feira.services.identity.application.ports import Credentials
from feira.services.identity.domain.address_book import Address, AddressBook
from feira.services.identity.domain.attempts import Attempts
from feira.services.identity.domain.session import Session
from feira.services.identity.domain.user import User


@dataclass(slots=True)
class MemoryTables:
    users: dict[int, User] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[bytes, str] = field(default_factory=dict)
    attempts: dict[str, Attempts] = field(default_factory=dict)
    address_books: dict[int, AddressBook] = field(default_factory=dict)

    def copy(self) -> "MemoryTables":
        return MemoryTables(
            {key: replace(user) for key, user in self.users.items()},
            {key: replace(session) for key, session in self.sessions.items()},
            dict(self.tokens),
            {key: replace(attempts) for key, attempts in self.attempts.items()},
            {
                key: AddressBook(key, dict(book.addresses))
                for key, book in self.address_books.items()
            },
        )

    def take(self, other: "MemoryTables") -> None:
        self.users, self.sessions, self.tokens = other.users, other.sessions, other.tokens
        self.attempts, self.address_books = other.attempts, other.address_books


class MemoryUsers:
    def __init__(self, tables: MemoryTables) -> None:
        self._users = tables.users
        self._by_email = {user.email: user for user in tables.users.values()}

    async def get_many_for_update(self, _user_ids: Iterable[int]) -> Mapping[int, User]:
        return self._users

    async def by_email_for_update(self, _emails: Iterable[str]) -> Mapping[str, User]:
        return self._by_email

    def add_many(self, users: Iterable[User]) -> None:
        for user in users:
            self._users[user.id] = self._by_email[user.email] = user

    def save_many(self, users: Iterable[User]) -> None:
        self._users |= {user.id: user for user in users}


class MemorySessions:
    def __init__(self, tables: MemoryTables) -> None:
        self._sessions, self._tokens = tables.sessions, tables.tokens
        self._by_token = {token: self._sessions[at] for token, at in self._tokens.items()}
        self._of_user: dict[int, dict[str, Session]] = {user_id: {} for user_id in tables.users}
        for session in self._sessions.values():
            self._of_user[session.user_id][session.id] = session

    async def get_many_for_update(self, _session_ids: Iterable[str]) -> Mapping[str, Session]:
        return self._sessions

    async def by_refresh_hash_for_update(self, _hashes: Iterable[bytes]) -> Mapping[bytes, Session]:
        return self._by_token

    async def of_users_for_update(
        self, user_ids: Iterable[int]
    ) -> Mapping[int, Mapping[str, Session]]:
        for user_id in user_ids:
            self._of_user.setdefault(user_id, {})
        return self._of_user

    def add_many(self, sessions: Iterable[Session]) -> None:
        self.save_many(sessions)

    def save_many(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            self._sessions[session.id] = self._by_token[session.refresh_hash] = session
            self._of_user.setdefault(session.user_id, {})[session.id] = session
            self._tokens[session.refresh_hash] = session.id

    async def ended_since(self, since: datetime, sessions_max: int) -> Sequence[Session]:
        ended = [(s.ended_at, s.id, s) for s in self._sessions.values() if s.ended_at]
        recent = sorted(e for e in ended if e[0] > since)
        return [session for _, _, session in recent[-sessions_max:]]

    async def forget(
        self, *, expired_before: datetime, ended_before: datetime, sessions_max: int
    ) -> int:
        gone = [
            session
            for session in self._sessions.values()
            if session.expires_at < expired_before
            or (session.ended_at is not None and session.ended_at < ended_before)
        ][:sessions_max]
        for session in gone:
            del self._sessions[session.id], self._of_user[session.user_id][session.id]
            for token in [t for t, session_id in self._tokens.items() if session_id == session.id]:
                del self._tokens[token], self._by_token[token]
        return len(gone)


class MemoryAttempts:
    def __init__(self, tables: MemoryTables, now: datetime) -> None:
        self._attempts = tables.attempts
        self._now = now

    async def get_many_for_update(self, emails: Iterable[str]) -> Mapping[str, Attempts]:
        unknown = {email: Attempts(email, self._now) for email in emails}
        return unknown | self._attempts

    def save_many(self, attempts: Iterable[Attempts]) -> None:
        for attempt in attempts:
            self._attempts.pop(attempt.email, None)
            if attempt.empty_at > self._now:
                self._attempts[attempt.email] = attempt

    async def forget(self, *, empty_before: datetime, attempts_max: int) -> int:
        gone = [a.email for a in self._attempts.values() if a.empty_at < empty_before]
        for email in gone[:attempts_max]:
            del self._attempts[email]
        return len(gone[:attempts_max])


class MemoryAddressBooks:
    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    async def get_many_for_update(self, user_ids: Iterable[int]) -> Mapping[int, AddressBook]:
        books = self._tables.address_books
        known = self._tables.users.keys() & set(user_ids)
        return {user_id: books.get(user_id) or AddressBook(user_id) for user_id in known}

    def save_many(self, books: Iterable[AddressBook]) -> None:
        self._tables.address_books |= {book.user_id: book for book in books}


class MemoryIdentityUnitOfWork:
    def __init__(self, tables: MemoryTables, outbox: Outbox, ids: Ids, now: datetime) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self._shared, self._tables = tables, tables.copy()
        self.users = MemoryUsers(self._tables)
        self.sessions = MemorySessions(self._tables)
        self.attempts = MemoryAttempts(self._tables, now)
        self.address_books = MemoryAddressBooks(self._tables)

    async def flush(self) -> None:
        self._shared.take(self._tables)

    def committed(self) -> None:
        """Nothing waits for it."""


class MemoryIdentityQueries:
    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    async def credentials(self, email: str) -> Credentials:
        user = next((u for u in self._tables.users.values() if u.email == email), None)
        attempts = self._tables.attempts.get(email)
        return Credentials(
            email,
            user.id if user else None,
            user.password_hash if user else None,
            attempts.empty_at if attempts else None,
        )

    async def credentials_of(self, user_id: int) -> Credentials | None:
        user = self._tables.users.get(user_id)
        return await self.credentials(user.email) if user else None

    async def user(self, user_id: int) -> User | None:
        return self._tables.users.get(user_id)

    async def addresses(self, user_id: int) -> Mapping[int, Address]:
        book = self._tables.address_books.get(user_id)
        return book.addresses if book else {}
