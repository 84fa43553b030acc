"""Identity without a lane: batches of commands, decided as the lane decides them.

A world stands on any database: the same stories are told on memory and on PostgreSQL.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count, groupby
from random import Random
from typing import Any, Final, TypeVar

from feira.chassis.outbox import Outbox
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.identity.adapters.memory import (
    MemoryIdentityQueries,
    MemoryIdentityUnitOfWork,
    MemoryTables,
)
from feira.services.identity.application.change_password import ChangePassword
from feira.services.identity.application.change_profile import ChangeProfile
from feira.services.identity.application.ensure_user import EnsureUser
from feira.services.identity.application.forget_expired import ForgetExpired
from feira.services.identity.application.keep_addresses import (
    AddAddress,
    RemoveAddress,
    ReplaceAddress,
)
from feira.services.identity.application.log_in import LogIn
from feira.services.identity.application.log_out import LogOut
from feira.services.identity.application.ports import IdentityQueries, IdentityUnitOfWork
from feira.services.identity.application.refresh_session import RefreshSession
from feira.services.identity.application.register_user import RegisterUser
from feira.services.identity.application.repeat_revocations import RepeatRevocations
from feira.services.identity.bootstrap import USE_CASES
from feira.services.identity.domain.address_book import Address
from feira.services.identity.domain.session import Session
from feira.services.identity.domain.user import Role, User

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
ANA: Final = "ana@example.com"

Begin = Callable[[Outbox, Ids, datetime], AbstractAsyncContextManager[IdentityUnitOfWork]]
T = TypeVar("T")


@dataclass
class Told:
    """What batches led to: an outcome a command, and the messages in their order."""

    outcomes: list[Any]
    messages: list[Message]


def _counted_entropy() -> Callable[[int], bytes]:
    """Not random at all, so that ids depend on nothing but how many were made before."""
    numbers = count(1)
    return lambda size_bytes: next(numbers).to_bytes(8, "big")[-size_bytes:]


@dataclass
class World:
    """`begin` opens a transaction; `read` and `queries` see what has been committed."""

    begin: Begin
    read: Callable[[], Awaitable[MemoryTables]]
    queries: IdentityQueries
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock, entropy=_counted_entropy())
        self._secrets: Iterator[int] = count(1)

    async def do(self, *commands: Any) -> Told:
        """Decide the commands in one batch."""
        now = self.clock.now()
        outbox = Outbox("/feira/identity", 4, Ids(self.clock), now)
        async with self.begin(outbox, self.ids, now) as uow:
            return await decide(commands, uow, outbox)

    async def do_in_batches(self, batches: Sequence[Sequence[Any]]) -> Told:
        told = [await self.do(*batch) for batch in batches if batch]
        return Told(
            [outcome for part in told for outcome in part.outcomes],
            [message for part in told for message in part.messages],
        )

    async def registered(self, email: str = ANA, password: str = "right") -> User:
        [outcome] = (await self.do(register(email, password))).outcomes
        assert isinstance(outcome, User), outcome
        return outcome

    async def logged_in(self, user: User) -> tuple[Session, bytes]:
        """The session, and the hash of its refresh token."""
        token = self.new_token()
        [outcome] = (await self.do(LogIn(user.email, user.id, user.password_hash, token))).outcomes
        assert isinstance(outcome, Session), outcome
        return outcome, token

    def new_token(self) -> bytes:
        return hashed(f"token {next(self._secrets)}")

    async def session(self, session_id: str) -> Session:
        return (await self.read()).sessions[session_id]

    def pass_time(self, **by: float) -> None:
        """`world.pass_time(minutes=15)`"""
        self.clock.advance(timedelta(**by))


async def decide(commands: Sequence[Any], uow: IdentityUnitOfWork, outbox: Outbox) -> Told:
    """As `chassis.batch.BatchRunner` does: each run of one type, then flush."""
    outcomes: list[Any] = []
    for kind, run in groupby(commands, type):
        of_one_type = list(run)
        outbox.speak_for([Origin("a-story")] * len(of_one_type))
        outcomes += await USE_CASES[kind](of_one_type, uow)
    assert len(outcomes) == len(commands)
    await uow.flush()
    return Told(outcomes, [message for message, _ in outbox._announced])


def in_memory() -> World:
    tables = MemoryTables()

    @asynccontextmanager
    async def begin(outbox: Outbox, ids: Ids, now: datetime) -> AsyncIterator[IdentityUnitOfWork]:
        yield MemoryIdentityUnitOfWork(tables, outbox, ids, now)

    async def read() -> MemoryTables:
        return tables.copy()

    return World(begin, read, MemoryIdentityQueries(tables))


def hashed(text: str) -> bytes:
    return sha256(text.encode()).digest()


def register(email: str = ANA, password: str = "right", name: str = "Ana") -> RegisterUser:
    """Passwords stand for their own hashes here."""
    return RegisterUser(email, name, password)


def wrong_login(email: str = ANA, user_id: int | None = None) -> LogIn:
    return LogIn(email, user_id, None, hashed("unused"))


def address(street: str = "Rua Exemplo") -> Address:
    return Address(
        street=street,
        number="10A",
        city="São Paulo",
        state="SP",
        country="Brazil",
        zipcode="00000000",
    )


# --- any sequence of commands, split anyhow ------------------------------------------------------

EMAILS: Final = tuple(f"user{n}@example.com" for n in range(1, 6))
HASHES: Final = ("right", "changed")


@dataclass
class Cast:
    """Users 1 to 3 with two live sessions each, an ended and an expired one, and two addresses."""

    session_ids: list[str] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    address_ids: list[int] = field(default_factory=list)


async def with_cast(world: World) -> Cast:
    cast = Cast()
    users = [
        EnsureUser(email, "A name", Role.CUSTOMER, HASHES[0], user_id)
        for user_id, email in enumerate(EMAILS[:3], start=1)
    ]
    await world.do(*users)
    for days_later in (31, 1, 0):
        logins = [LogIn(u.email, u.user_id, HASHES[0], world.new_token()) for u in users]
        cast.tokens += [login.refresh_hash for login in logins]
        opened = (await world.do(*logins)).outcomes
        cast.session_ids += [session.id for session in opened]
        await world.do(LogOut(opened[0].id))
        world.pass_time(days=days_later)
    added = await world.do(*(AddAddress(u.user_id or 0, address()) for u in users * 2))
    cast.address_ids += added.outcomes
    return cast


def random_commands(chance: Random, cast: Cast, length: int) -> list[Any]:
    """Few users and tokens, so that commands meet."""
    tokens = list(cast.tokens)
    return [_random_command(chance, cast, tokens) for _ in range(length)]


def _random_command(chance: Random, cast: Cast, tokens: list[bytes]) -> Any:
    user_id = chance.randint(1, 4)
    email = EMAILS[user_id - 1]
    session_id, address_id = chance.choice(cast.session_ids), chance.choice(cast.address_ids)
    proved = chance.choice([None, *HASHES, HASHES[0]])
    presented, fresh = chance.choice(tokens[-5:]), hashed(f"fresh {chance.random()}")
    command = chance.choices(
        [
            RegisterUser(chance.choice(EMAILS), "A name", HASHES[0]),
            LogIn(email, user_id, proved, fresh),
            LogIn("nobody@example.com", None, None, fresh),
            RefreshSession(presented, fresh),
            LogOut(session_id),
            ChangeProfile(user_id, name=chance.choice(["A name", "Another"])),
            ChangePassword(user_id, email, session_id, proved, chance.choice(HASHES)),
            EnsureUser(
                email, "A name", chance.choice(list(Role)), HASHES[1], chance.choice([None, 2, 9])
            ),
            AddAddress(user_id, address(f"Rua {chance.randint(1, 99)}")),
            ReplaceAddress(user_id, address_id, address(f"Rua {chance.randint(1, 99)}")),
            RemoveAddress(user_id, address_id),
            RepeatRevocations(chance.choice([1, 3, 100])),
            ForgetExpired(),
        ],
        weights=[3, 6, 2, 8, 1, 2, 2, 1, 3, 2, 2, 2, 1],
    )[0]
    if isinstance(command, RefreshSession) or (isinstance(command, LogIn) and command.proved_hash):
        tokens.append(fresh)
    return command


def random_split(chance: Random, commands: Sequence[T]) -> list[Sequence[T]]:
    cuts = sorted(chance.randint(0, len(commands)) for _ in range(chance.randint(1, 10)))
    return [
        commands[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(commands)], strict=True)
    ]


def messages_by_key(told: Told) -> Mapping[str, list[Message]]:
    by_key: dict[str, list[Message]] = {}
    for message in told.messages:
        by_key.setdefault(f"{message.TOPIC} {message.key}", []).append(message)
    return by_key


def kinds(told: Told) -> list[Any]:
    """Outcomes to compare: refusals as they are, of others (which live on) the kind."""
    return [o if isinstance(o, int | None) or _is_refusal(o) else type(o) for o in told.outcomes]


def _is_refusal(outcome: Any) -> bool:
    return type(outcome).__name__ == "Refused"
