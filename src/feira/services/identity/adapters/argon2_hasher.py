"""Argon2id in a few threads of its own, with a bounded queue before them.

A hash costs tens of milliseconds of a core and 19 MiB: without a bound a crowd at the login would
take the machine. OWASP's parameters (Password Storage Cheat Sheet): m=19456 KiB, t=2, p=1.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Final, ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from feira.kernel.errors import Overloaded

P = ParamSpec("P")
R = TypeVar("R")

MEMORY_KIB: Final = 19_456
TIME_COST: Final = 2
HASH_THREADS: Final = 2
HASHES_QUEUED_MAX: Final = 1_000
HASHES_A_SECOND_AND_THREAD: Final = 20
"""A cautious guess, for telling a refused one when to come back."""
NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$Of7KNG9hgjL5gYGOX2RfjA$KXzn0qqKpnURFQxXB2l82J7R5/52C04i6k8Z7+HatZs"
)
"""Of a random password that was thrown away: checked where there is no user, for the time."""


class Argon2Hasher:
    def __init__(
        self, *, threads: int = HASH_THREADS, hashes_queued_max: int = HASHES_QUEUED_MAX
    ) -> None:
        """`hashes_queued_max` counts those that are being made too."""
        self._argon2 = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1, encoding="utf-8"
        )
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._queued = 0
        self._queued_max = hashes_queued_max

    async def hash(self, password: str) -> str:
        return await self._in_turn(self._argon2.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        found = await self._in_turn(self._verify, password_hash or NOBODYS_HASH, password)
        return found and password_hash is not None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self) -> None:
        """Close when cancelled: the end of the service is the end of its threads."""
        try:
            await asyncio.Event().wait()
        finally:
            self.close()

    async def _in_turn(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._queued >= self._queued_max:
            rate = self._threads * HASHES_A_SECOND_AND_THREAD
            raise Overloaded("the password queue", ceil(self._queued / rate))
        self._queued += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: work(*args, **kwargs))
        finally:
            self._queued -= 1

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except VerifyMismatchError:
            return False
