"""Argon2id with OWASP's parameters, in bounded threads."""

import asyncio
from collections.abc import Iterator

import pytest

from feira.kernel.errors import Overloaded
from feira.services.identity.adapters.argon2_hasher import NOBODYS_HASH, Argon2Hasher

PARAMETERS = "$argon2id$v=19$m=19456,t=2,p=1$"


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    hasher = Argon2Hasher(threads=2, hashes_queued_max=3)
    yield hasher
    hasher.close()


async def test_a_password_matches_its_own_hash_alone(hasher: Argon2Hasher) -> None:
    made = await hasher.hash("correct horse")
    assert made.startswith(PARAMETERS)
    assert await hasher.matches("correct horse", made)
    assert not await hasher.matches("correct horse ", made)


async def test_equal_passwords_have_different_hashes(hasher: Argon2Hasher) -> None:
    assert await hasher.hash("correct horse") != await hasher.hash("correct horse")


async def test_nothing_is_cut_off(hasher: Argon2Hasher) -> None:
    long = "ã" * 500
    made = await hasher.hash(long)
    assert not await hasher.matches(long[:-1], made)
    assert not await hasher.matches(f"{long}b", made)


async def test_where_there_is_no_user_the_same_work_is_done(hasher: Argon2Hasher) -> None:
    assert not await hasher.matches("correct horse", None)
    assert NOBODYS_HASH.startswith(PARAMETERS)


async def test_a_crowd_is_refused_rather_than_queued_without_end(hasher: Argon2Hasher) -> None:
    crowd = [asyncio.create_task(hasher.hash("correct horse")) for _ in range(5)]
    outcomes = await asyncio.gather(*crowd, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(refused) == 2
    assert all(error.retry_after_seconds >= 1 for error in refused)
    assert await hasher.matches("correct horse", str(outcomes[0]))


async def test_who_gives_up_waiting_makes_room(hasher: Argon2Hasher) -> None:
    crowd = [asyncio.create_task(hasher.hash("correct horse")) for _ in range(3)]
    await asyncio.sleep(0)
    crowd[2].cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert await hasher.hash("correct horse")


async def test_its_threads_end_with_the_service() -> None:
    hasher = Argon2Hasher(threads=1)
    running = asyncio.create_task(hasher.run())
    await hasher.hash("correct horse")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with pytest.raises(RuntimeError, match="shutdown"):
        await hasher.hash("correct horse")
