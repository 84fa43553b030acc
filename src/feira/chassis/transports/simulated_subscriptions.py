"""Readers of the simulated broker: members of a group, and readers of a broadcast."""

from collections.abc import Iterable, Sequence
from typing import Final

from feira.chassis.transports.port import Delivery
from feira.chassis.transports.simulated_state import BrokerState, Partition, Seat, Session
from feira.kernel.errors import Unavailable

LAG_ENVELOPES_MAX: Final = 10_000
_ENVELOPES_PER_PARTITION_MAX: Final = 8
_RECEIVE_WAIT_SECONDS: Final = 1.0


class _Reader:
    """Offsets in some partitions, moved on by reading."""

    def __init__(self, state: BrokerState, session: Session, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics)
        self._state = state
        self._session = session
        self._offsets: dict[Partition, int] = {}
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        await self._reach_broker()
        self._state.network.may_refuse("receive_refused")
        deliveries = self._read()
        if not deliveries:
            await self._state.news(self._topics, _RECEIVE_WAIT_SECONDS)
            self._check_reachable()
            deliveries = self._read()
        return deliveries

    async def _reach_broker(self) -> None:
        self._check_reachable()
        await self._state.network.delay()
        self._check_reachable()

    def _check_reachable(self) -> None:
        if self.closed:
            raise Unavailable("simulated: this subscription is closed")
        self._state.check_reachable(self._session)

    def _read(self) -> list[Delivery]:
        """Partitions in random order, a random count of each one's next envelopes."""
        network = self._state.network
        partitions = [
            partition
            for partition, offset in self._offsets.items()
            if self._state.log(partition).last_offset > offset
        ]
        network.shuffle(partitions)
        deliveries = self._older()
        for partition in partitions:
            count = network.number(1, _ENVELOPES_PER_PARTITION_MAX)
            records = self._state.log(partition).after(self._offsets[partition], count)
            deliveries += [record.delivery for record in records]
            if records:
                self._offsets[partition] = records[-1].offset
        return deliveries

    def _older(self) -> list[Delivery]:
        """One of each partition that came before, when they are to come twice."""
        network = self._state.network
        read = [(p, offset) for p, offset in self._offsets.items() if offset]
        if not read or not network.strikes("duplicated"):
            return []
        logs = [self._state.log(partition).up_to(offset) for partition, offset in read]
        return [known[network.number(0, len(known) - 1)].delivery for known in logs if known]

    def _waiting(self, behind: dict[Partition, int]) -> int:
        counts = (
            len(self._state.log(partition).after(offset, LAG_ENVELOPES_MAX))
            for partition, offset in behind.items()
        )
        return min(LAG_ENVELOPES_MAX, sum(counts))


class SimulatedGroupSubscription(_Reader):
    """Joins with the first `receive`, and with the next one after it lost its membership."""

    def __init__(self, state: BrokerState, group: str, seat: Seat) -> None:
        super().__init__(state, seat.session, seat.topics)
        self._group = state.groups[group]
        self._seat = seat

    async def receive(self) -> Sequence[Delivery]:
        self._check_reachable()
        if self._state.network.strikes("membership_lost"):
            self._leave()
            raise Unavailable("simulated: the lease ran out")
        if self._group.take(self._seat):
            self._state.tell_news()
        return await super().receive()

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        await self._reach_broker()
        network = self._state.network
        network.may_refuse("acknowledge_refused")
        if not network.strikes("acknowledge_lost"):
            self._group.advance(self._seat, deliveries)
        network.may_refuse("acknowledge_unanswered")

    async def rewind(self) -> None:
        self._offsets.clear()

    async def lag_envelopes(self) -> int:
        self._check_reachable()
        held = self._group.held_by(self._seat)
        return self._waiting({key: self._group.cursors.get(key, 0) for key in held})

    async def close(self) -> None:
        self.closed = True
        self._leave()

    def _leave(self) -> None:
        if self._session.alive:  # the dead say nothing: their lease has to run out
            self._group.leave(self._seat)
            self._state.tell_news()

    def _check_reachable(self) -> None:
        super()._check_reachable()
        if self._seat.lost:
            raise Unavailable(f"simulated: {self._seat.name} has restarted; this one is dead")

    def _read(self) -> list[Delivery]:
        """Go on in the partitions still held, start at the cursor in those new."""
        cursors = self._group.cursors
        self._offsets = {
            key: self._offsets.get(key, cursors.get(key, 0))
            for key in self._group.held_by(self._seat)
        }
        return super()._read()


class SimulatedBroadcastSubscription(_Reader):
    """Reads every partition, from some moment on."""

    def __init__(self, state: BrokerState, session: Session, offsets: dict[Partition, int]) -> None:
        super().__init__(state, session, {topic for topic, _ in offsets})
        self._offsets = offsets

    async def receive(self) -> Sequence[Delivery]:
        self._check_reachable()
        self._state.broadcast_topics |= self._topics
        return await super().receive()

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing: nobody waits for a broadcast's reader."""

    async def rewind(self) -> None:
        """Nothing: what was received and not acknowledged is as good as acknowledged."""

    async def lag_envelopes(self) -> int:
        self._check_reachable()
        return self._waiting(self._offsets)

    async def close(self) -> None:
        self.closed = True
