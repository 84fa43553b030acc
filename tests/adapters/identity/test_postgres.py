"""What only PostgreSQL can show: races between processes, and which index a statement uses."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from feira.chassis.lane import Lane
from feira.chassis.postgres.connection import Connection
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.telemetry.metrics import LaneMetrics
from feira.chassis.work import Origin
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.identity.adapters.postgres import queries, sessions
from feira.services.identity.adapters.postgres.unit_of_work import PostgresIdentityUnitOfWork
from feira.services.identity.application.ensure_user import EnsureUser
from feira.services.identity.application.keep_addresses import AddAddress
from feira.services.identity.application.log_in import LogIn
from feira.services.identity.application.refresh_session import RefreshSession
from feira.services.identity.bootstrap import USE_CASES
from feira.services.identity.domain import address_book, attempts
from feira.services.identity.domain import session as session_module
from feira.services.identity.domain.session import Reused, Session
from feira.services.identity.domain.user import EMAIL_TAKEN, Role, User
from tests.adapters.identity.conftest import tables_of
from tests.unit.identity.world import (
    ANA,
    START,
    World,
    address,
    hashed,
    in_memory,
    kinds,
    messages_by_key,
    random_commands,
    random_split,
    register,
    with_cast,
    wrong_login,
)

ORIGIN = Origin("a-story")
MANY = 5_000
FILL = """
INSERT INTO users SELECT n, 'u' || n || '@example.com', 'A name', NULL, 'customer', 'hash', now()
FROM generate_series(1, $1) AS n
"""
FILL_SESSIONS = """
INSERT INTO session
SELECT gen_random_uuid(), n, 'customer', sha256(n::text::bytea), 0, now(),
    now() + interval '30 days',
    CASE WHEN n % 2 = 0 THEN now() - n * interval '1 second' END
FROM generate_series(1, $1::bigint) AS n
"""
FILL_TOKENS = "INSERT INTO refresh_token SELECT refresh_hash, id FROM session"


@pytest.mark.parametrize("seed", range(6))
async def test_postgres_decides_as_memory_does(
    postgres_world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "SESSIONS_A_USER_MAX", 3)
    monkeypatch.setattr(address_book, "ADDRESSES_MAX", 4)
    limit = replace(attempts.USER_LIMIT, failures_max=3)
    monkeypatch.setattr(attempts, "USER_LIMIT", limit)
    chance, memory = Random(seed), in_memory()
    commands = random_commands(chance, await with_cast(memory), 120)
    await with_cast(postgres_world)
    batches = random_split(chance, commands)
    expected = await memory.do_in_batches(batches)
    told = await postgres_world.do_in_batches(batches)
    assert await postgres_world.read() == await memory.read()
    assert messages_by_key(told) == messages_by_key(expected)
    assert kinds(told) == kinds(expected)


@asynccontextmanager
async def process_on(dsn: str) -> AsyncIterator[Lane[Any]]:
    """A lane of its own on the database, as another process has it."""
    clock = ManualClock(START)
    ids = Ids(clock)
    store = PostgresStore(
        dsn, "identity", PostgresIdentityUnitOfWork, ids=ids, clock=clock, partitions=4
    )
    metrics = LaneMetrics.for_service("identity")
    lane: Lane[Any] = Lane("identity", store, USE_CASES, ids=ids, metrics=metrics)
    running = asyncio.create_task(lane.run())
    try:
        yield lane
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await store.close()


@pytest.fixture
async def processes(dsn: str) -> AsyncIterator[list[Lane[Any]]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(process_on(dsn)) for _ in range(3)]


async def on_all(processes: list[Lane[Any]], make: Callable[[], Any], times: int) -> list[Any]:
    """The outcomes of commands that are given to all processes at once."""
    asked: Iterator[Any] = (
        lane.ask(make(), origin=ORIGIN) for _ in range(times) for lane in processes
    )
    return list(await asyncio.gather(*asked))


async def test_processes_at_once_register_an_address_once(
    processes: list[Lane[Any]], connection: Connection
) -> None:
    outcomes = await on_all(processes, register, times=5)
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert outcomes.count(EMAIL_TAKEN) == 14
    assert len((await tables_of(connection)).users) == 1


@pytest.mark.parametrize("email", [ANA, "nobody@example.com"])
async def test_guesses_at_all_processes_at_once_cannot_pass_the_limit(
    processes: list[Lane[Any]], email: str
) -> None:
    [user] = await on_all(processes[:1], register, times=1)
    outcomes = await on_all(processes, lambda: wrong_login(email, user.id), times=17)
    codes = [outcome.code for outcome in outcomes]
    assert codes.count("invalid_credentials") == 10
    assert codes.count("too_many_attempts") == 41


async def test_of_a_token_used_at_all_processes_at_once_one_wins_and_the_session_ends(
    processes: list[Lane[Any]], connection: Connection
) -> None:
    token, numbers = hashed("token"), iter(range(100))
    [user] = await on_all(processes[:1], register, times=1)
    await on_all(processes[:1], lambda: LogIn(ANA, user.id, "right", token), times=1)
    outcomes = await on_all(
        processes, lambda: RefreshSession(token, hashed(f"next {next(numbers)}")), times=4
    )
    assert sum(isinstance(outcome, Session) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Reused) for outcome in outcomes) == 1
    [session] = (await tables_of(connection)).sessions.values()
    assert session.ended_at == START


async def test_first_addresses_added_at_all_processes_are_all_kept(
    processes: list[Lane[Any]], connection: Connection
) -> None:
    [user] = await on_all(processes[:1], register, times=1)
    added = await on_all(processes, lambda: AddAddress(user.id, address()), times=5)
    [book] = (await tables_of(connection)).address_books.values()
    assert book.addresses.keys() == set(added)
    assert len(added) == 15


async def test_users_made_at_once_under_one_id_are_one(
    processes: list[Lane[Any]], connection: Connection
) -> None:
    numbers = iter(range(100))
    outcomes = await on_all(
        processes,
        lambda: EnsureUser(f"u{next(numbers)}@example.com", "A name", Role.CUSTOMER, "right", 1),
        times=3,
    )
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert len((await tables_of(connection)).users) == 1


@pytest.fixture
async def filled(connection: Connection) -> Connection:
    for fill in (FILL, FILL_SESSIONS):
        await connection.execute(fill, MANY)
    await connection.execute(FILL_TOKENS)
    await connection.execute("ANALYZE")
    return connection


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        (queries.CREDENTIALS, ["u7@example.com"]),
        (queries.CREDENTIALS_OF, [7]),
        (queries.USER, [7]),
        (queries.ADDRESSES, [7]),
        (sessions.LOAD_BY_TOKEN, [[hashed("7")]]),
        (sessions.LOAD_OF_USERS, [[7, 9]]),
        (sessions.ENDED, [START.replace(year=2200), 100]),
        (sessions.FORGET, [START.replace(year=2000), START.replace(year=2000), 100]),
    ],
)
async def test_a_statement_looks_at_no_more_rows_than_it_needs(
    filled: Connection, statement: str, arguments: list[Any]
) -> None:
    async with filled.transaction():
        text = await filled.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *arguments
        )
    nodes = list(nodes_of(json.loads(text)[0]["Plan"]))
    assert nodes
    seen = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
    ]
    assert max(seen) <= 10, nodes


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)
