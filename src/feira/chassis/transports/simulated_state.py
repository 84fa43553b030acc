"""What the simulated broker holds: logs, groups, and who is connected."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from zlib import crc32

from feira.chassis.transports.port import Delivery, Envelope
from feira.chassis.transports.retention import Retention
from feira.chassis.transports.simulated_faults import FaultInjector
from feira.chassis.transports.simulated_log import PartitionLog
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import Ids

Partition = tuple[str, int]


@dataclass(eq=False, slots=True)
class Session:
    """A process connected to the broker."""

    member: str
    alive: bool = True


@dataclass(eq=False, slots=True)
class Seat:
    """A member's place in a group; `name` is the same again when its process has restarted."""

    name: str
    session: Session
    topics: Sequence[str]
    partitions: int
    lost: bool = False


@dataclass(slots=True)
class Group:
    """Seats in the order of their names share the partitions of each topic among them."""

    seats: dict[str, Seat] = field(default_factory=dict)
    cursors: dict[Partition, int] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    _shares: dict[str, list[Partition]] = field(default_factory=dict)
    """What each seat holds, as long as nobody sits down or leaves."""

    def take(self, seat: Seat) -> bool:
        """Sit down, or stay; whoever sat there under the same name loses it. True when new."""
        present = self.seats.get(seat.name)
        if present is seat:
            return False
        if present is not None:
            present.lost = True
        self.seats[seat.name] = seat
        self._shares.clear()
        self.topics.update(seat.topics)
        return True

    def leave(self, seat: Seat) -> None:
        if self.seats.get(seat.name) is seat:
            del self.seats[seat.name]
            self._shares.clear()

    def held_by(self, seat: Seat) -> list[Partition]:
        if self.seats.get(seat.name) is not seat:
            return []
        if seat.name not in self._shares:
            self._shares[seat.name] = [
                (topic, partition)
                for topic in seat.topics
                for partition in range(seat.partitions)
                if self._owner(topic, partition) is seat
            ]
        return self._shares[seat.name]

    def advance(self, seat: Seat, deliveries: Sequence[Delivery]) -> None:
        """Move the cursors of partitions that the seat holds, never back."""
        held = set(self.held_by(seat))
        for delivery in deliveries:
            partition = (delivery.envelope.topic, delivery.envelope.partition)
            if partition in held:
                offset = int(delivery.position)
                self.cursors[partition] = max(offset, self.cursors.get(partition, 0))

    def _owner(self, topic: str, partition: int) -> Seat | None:
        seats = [seat for _, seat in sorted(self.seats.items()) if topic in seat.topics]
        return seats[(partition + crc32(topic.encode())) % len(seats)] if seats else None


class BrokerState:
    """Changes at once; the delays are in the calls that lead here."""

    def __init__(self, clock: Clock, network: FaultInjector, retention: Retention) -> None:
        self.network = network
        self.reachable = True
        self._ids = Ids(clock, entropy=network.entropy)
        self.epoch = str(self._ids.uuid7())
        self.groups: defaultdict[str, Group] = defaultdict(Group)
        self.broadcast_topics: set[str] = set()
        self._clock = clock
        self._retention = retention
        self._logs: defaultdict[Partition, PartitionLog] = defaultdict(PartitionLog)
        self._sessions: list[Session] = []
        self._waiting: dict[asyncio.Future[None], frozenset[str]] = {}
        """Who waits for news, and of which topics."""

    def connect(self, member: str) -> Session:
        session = Session(member)
        self._sessions.append(session)
        return session

    def disconnect(self, session: Session) -> None:
        session.alive = False
        self._sessions = [other for other in self._sessions if other is not session]

    def log(self, partition: Partition) -> PartitionLog:
        return self._logs[partition]

    def append(self, envelopes: Sequence[Envelope]) -> None:
        now = self._clock.now()
        for envelope in envelopes:
            self.log((envelope.topic, envelope.partition)).append(envelope, now)
        self.tell_news({envelope.topic for envelope in envelopes})

    def offset_at_age(self, partition: Partition, age_seconds: float) -> int:
        """The offset behind which everything is at most `age_seconds` old."""
        moment = self._clock.now() - timedelta(seconds=age_seconds)
        return self.log(partition).offset_before(moment)

    def tell_news(self, topics: Collection[str] | None = None) -> None:
        """Wake those who wait for news of these topics, or (None) all."""
        for turn, wanted in self._waiting.items():
            if not turn.done() and (topics is None or not wanted.isdisjoint(topics)):
                turn.set_result(None)

    async def news(self, topics: frozenset[str], timeout_seconds: float) -> None:
        """Wait for anything to change about these topics, or until the time is over."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = topics
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await turn
        finally:
            del self._waiting[turn]

    def check_reachable(self, session: Session) -> None:
        if not session.alive:
            raise Unavailable("simulated: this process is dead, or has closed its connection")
        if not self.reachable:
            raise Unavailable("simulated: the broker is down")

    def cut_off(self, member: str) -> None:
        for session in [session for session in self._sessions if session.member == member]:
            self.disconnect(session)

    def drop_member(self, member: str) -> None:
        self.cut_off(member)
        for group in self.groups.values():
            for seat in list(group.seats.values()):
                if not seat.session.alive:
                    group.leave(seat)
        self.tell_news()

    def wipe(self) -> None:
        """Logs, cursors and all that was known of topics are lost; members are still there."""
        self.epoch = str(self._ids.uuid7())
        self.broadcast_topics.clear()
        for log in self._logs.values():
            log.wipe()
        for group in self.groups.values():
            group.cursors.clear()

    def trim(self) -> None:
        for (topic, partition), log in self._logs.items():
            log.drop_up_to(self._last_droppable((topic, partition)))

    def _last_droppable(self, partition: Partition) -> int:
        topic, _ = partition
        groups = [group for group in self.groups.values() if topic in group.topics]
        kept_seconds = 0.0
        if topic in self.broadcast_topics:
            kept_seconds = self._retention.broadcast_window_seconds
        if not groups:
            kept_seconds = max(kept_seconds, self._retention.unread_seconds)
        droppable = [group.cursors.get(partition, 0) for group in groups]
        if kept_seconds > 0:
            droppable.append(self.offset_at_age(partition, kept_seconds))
        last = min(droppable)
        if not groups and topic not in self.broadcast_topics:
            last = max(
                last, self._logs[partition].last_offset - self._retention.unread_envelopes_max
            )
        return last
