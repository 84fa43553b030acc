"""Valkey streams as a broker: `valkey://host:port/db`, `valkeys://` with TLS, `unix:///path`.

One server, not a cluster. Durable means what the server's settings make of it: the embedded one
runs with an append-only file and `appendfsync always`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from feira.chassis.transports.open_subscriptions import OpenSubscriptions
from feira.chassis.transports.port import Envelope
from feira.chassis.transports.valkey_address import ValkeyAddress
from feira.chassis.transports.valkey_broadcast import ValkeyBroadcastSubscription
from feira.chassis.transports.valkey_group import ValkeyGroupSubscription
from feira.chassis.transports.valkey_link import ValkeyLink
from feira.chassis.transports.valkey_scripts import TRIM
from feira.chassis.transports.valkey_settings import ValkeyLimits
from feira.chassis.transports.valkey_streams import BROADCASTS_KEY, EPOCH_KEY, pack_transaction
from feira.chassis.transports.valkey_wire import Refusal
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7


class ValkeyTransport:
    """The port's semantics are in `port.Transport`; no call waits longer than its time limit.

    `member` names this process in its groups: after a crash, the same name takes its partitions
    back at once, another has to wait until the lease runs out.
    """

    def __init__(
        self, address: ValkeyAddress, limits: ValkeyLimits, *, partitions: int, member: str
    ) -> None:
        self._address = address
        self._limits = limits
        self._partitions = partitions
        self._member = member
        self._publishing = self._link("publish")
        self._commands = self._link("commands")
        self._subscriptions = OpenSubscriptions()
        self._topics: set[str] = set()

    @property
    def partitions(self) -> int:
        return self._partitions

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """A transaction for each `publish_bytes_max` of bodies, each one round trip."""
        self._topics.update(envelope.topic for envelope in envelopes)
        for part in _parts(envelopes, self._limits.publish_bytes_max):
            answers = await self._publishing.exchange(pack_transaction(part), len(part) + 2)
            _raise_refusal(answers)

    async def subscribe(self, group: str, topics: Sequence[str]) -> ValkeyGroupSubscription:
        """Asks nothing of the server yet: `receive` joins, so a service starts without a broker."""
        self._topics.update(topics)
        return self._subscriptions.add(
            f"group {group}",
            lambda number: ValkeyGroupSubscription(
                group=group,
                topics=topics,
                member=f"{self._member}.{number}",
                partitions=self._partitions,
                reading=self._link(f"read.{group}"),
                commands=self._link(f"commands.{group}"),
                limits=self._limits,
            ),
        )

    async def subscribe_broadcast(
        self, topics: Sequence[str], since_seconds: int
    ) -> ValkeyBroadcastSubscription:
        """Asks nothing of the server yet. History reaches back to the broadcast window at most."""
        self._topics.update(topics)
        return self._subscriptions.add(
            "broadcast",
            lambda _: ValkeyBroadcastSubscription(
                topics=topics,
                since_seconds=since_seconds,
                partitions=self._partitions,
                link=self._link("broadcast"),
                limits=self._limits,
            ),
        )

    async def epoch(self) -> str:
        candidate = str(uuid7())
        before = await self._commands.call("SET", EPOCH_KEY, candidate, "NX", "GET")
        return candidate if before is None else str(before.decode())

    async def trim(self) -> None:
        """Trims the topics that this process publishes or reads: see `Retention`."""
        kept = self._limits.retention
        broadcast_ms = round(kept.broadcast_window_seconds * 1000)
        unread_ms = round(kept.unread_seconds * 1000)
        for topic in sorted(self._topics):
            keys = [f"feira:groups:{topic}", BROADCASTS_KEY]
            arguments: list[str | int] = [topic, self._partitions, broadcast_ms, unread_ms]
            arguments.append(kept.unread_envelopes_max)
            await self._commands.run(TRIM, keys, arguments)

    async def close(self) -> None:
        """Closes the subscriptions too."""
        await self._subscriptions.close()
        await self._publishing.close()
        await self._commands.close()

    def _link(self, purpose: str) -> ValkeyLink:
        return ValkeyLink(self._address, self._limits, f"{self._member}.{purpose}")


def _parts(envelopes: Sequence[Envelope], bytes_max: int) -> Iterator[Sequence[Envelope]]:
    """Runs of envelopes with at most `bytes_max` of bodies; a larger one goes alone."""
    start, size = 0, 0
    for index, envelope in enumerate(envelopes):
        size += len(envelope.body)
        if size > bytes_max and index > start:
            yield envelopes[start:index]
            start, size = index, len(envelope.body)
    if envelopes:
        yield envelopes[start:]


def _raise_refusal(answers: Sequence[Any]) -> None:
    """The first error among a transaction's answers: it says more than EXEC's own."""
    *_, executed = answers
    entries = executed if isinstance(executed, list) else []
    for answer in (*answers, *entries):
        if isinstance(answer, Refusal):
            raise Unavailable(f"valkey refuses to store envelopes: {answer}")
