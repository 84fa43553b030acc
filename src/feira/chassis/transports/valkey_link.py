"""A connection to Valkey that never hangs and comes back by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

import libvalkey

from feira.chassis.transports.valkey_address import ValkeyAddress
from feira.chassis.transports.valkey_settings import ValkeyLimits
from feira.chassis.transports.valkey_wire import Refusal, ValkeyWire, open_wire
from feira.kernel.errors import Unavailable

Argument = str | int | bytes


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, known to the server by its digest once it has seen the text."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


class ValkeyLink:
    """One connection at most, one conversation at a time; each ends within a time limit.

    What fails, for whatever reason, raises `Unavailable` and drops the connection; the next call
    opens another. A conversation that is cancelled drops it too: the answers still on their way
    belong to nobody.
    """

    def __init__(self, address: ValkeyAddress, limits: ValkeyLimits, name: str) -> None:
        self._address = address
        self._limits = limits
        self._name = name
        self._turn = asyncio.Lock()
        self._wire: ValkeyWire | None = None
        self._closed = False

    async def call(self, *command: Argument, wait_seconds: float = 0.0) -> Any:
        """One command and its answer. `wait_seconds` is how long the server itself may block."""
        (answer,) = await self.exchange([libvalkey.pack_command(command)], 1, wait_seconds)
        return _unless_refused(answer)

    async def run(
        self, script: Script, keys: Sequence[Argument], arguments: Sequence[Argument]
    ) -> Any:
        """Run a Lua script; its text travels only when the server does not know it (any more)."""
        tail = (len(keys), *keys, *arguments)
        by_digest = libvalkey.pack_command(("EVALSHA", script.digest, *tail))
        (answer,) = await self.exchange([by_digest], 1)
        if isinstance(answer, Refusal) and str(answer).startswith("NOSCRIPT"):
            return await self.call("EVAL", script.text, *tail)
        return _unless_refused(answer)

    async def exchange(
        self, commands: Sequence[bytes], answers: int, wait_seconds: float = 0.0
    ) -> list[Any]:
        """Send packed commands in one go and get their answers; a `Refusal` may be among them."""
        timeout_seconds = self._limits.command_timeout_seconds + wait_seconds
        try:
            async with asyncio.timeout(timeout_seconds), self._turn:
                return await self._converse(commands, answers)
        except OSError as error:  # TimeoutError and ConnectionError are among them
            raise Unavailable(f"valkey: {str(error) or 'no answer in time'}") from error

    async def close(self) -> None:
        """Final: whoever is still waiting for an answer gets `Unavailable`."""
        self._closed = True
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort()
            await wire.wait_closed()

    async def _converse(self, commands: Sequence[bytes], answers: int) -> list[Any]:
        wire = await self._connected()
        try:
            return await wire.exchange(commands, answers)
        except BaseException:
            wire.abort()
            raise

    async def _connected(self) -> ValkeyWire:
        self._check_open()
        if self._wire is None or not self._wire.is_open:
            async with asyncio.timeout(self._limits.connect_timeout_seconds):
                self._wire = await self._connect()
        return self._wire

    async def _connect(self) -> ValkeyWire:
        wire = await open_wire(self._address)
        greeting = self._address.greeting(self._name)
        packed = [libvalkey.pack_command(command) for command in greeting]
        try:
            for answer in await wire.exchange(packed, len(packed)):
                _unless_refused(answer)
            self._check_open()
        except BaseException:
            wire.abort()
            raise
        return wire

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("valkey: this link was closed")


def _unless_refused(answer: Any) -> Any:
    if isinstance(answer, Refusal):
        raise Unavailable(f"valkey refuses: {answer}")
    return answer
