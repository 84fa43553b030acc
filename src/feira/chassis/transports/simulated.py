"""A broker in memory for one process, which goes wrong on purpose: `sim://name?seed=1`.

Everything that waits does so through the running event loop, so a loop with virtual time drives it;
everything drawn comes from one seed, so a run can be repeated.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from feira.chassis.transports.open_subscriptions import OpenSubscriptions
from feira.chassis.transports.port import Envelope
from feira.chassis.transports.retention import Retention
from feira.chassis.transports.simulated_faults import FaultInjector, Faults
from feira.chassis.transports.simulated_state import BrokerState, Seat
from feira.chassis.transports.simulated_subscriptions import (
    SimulatedBroadcastSubscription,
    SimulatedGroupSubscription,
)
from feira.kernel.clock import Clock, SystemClock
from feira.kernel.errors import Unavailable


class SimulatedTransport:
    """One process's connection to the broker. The port's semantics are in `port.Transport`."""

    def __init__(self, state: BrokerState, *, partitions: int, member: str) -> None:
        self._state = state
        self._partitions = partitions
        self._session = state.connect(member)
        self._subscriptions = OpenSubscriptions()

    @property
    def partitions(self) -> int:
        return self._partitions

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        await self._reach_broker()
        network = self._state.network
        network.may_refuse("publish_refused")
        if network.strikes("publish_unanswered"):
            self._state.append(envelopes[: network.number(0, len(envelopes))])
            raise Unavailable("simulated: publish_unanswered")
        self._state.append(envelopes)

    async def subscribe(self, group: str, topics: Sequence[str]) -> SimulatedGroupSubscription:
        def sit_down(number: int) -> SimulatedGroupSubscription:
            name = f"{self._session.member}.{number}"
            seat = Seat(name, self._session, tuple(topics), self._partitions)
            return SimulatedGroupSubscription(self._state, group, seat)

        return self._subscriptions.add(f"group {group}", sit_down)

    async def subscribe_broadcast(
        self, topics: Sequence[str], since_seconds: int
    ) -> SimulatedBroadcastSubscription:
        offsets = {
            (topic, partition): self._state.offset_at_age((topic, partition), since_seconds)
            for topic in topics
            for partition in range(self._partitions)
        }
        return self._subscriptions.add(
            "broadcast",
            lambda _: SimulatedBroadcastSubscription(self._state, self._session, offsets),
        )

    async def epoch(self) -> str:
        await self._reach_broker()
        return self._state.epoch

    async def trim(self) -> None:
        await self._reach_broker()
        self._state.trim()

    async def close(self) -> None:
        await self._subscriptions.close()
        self._state.disconnect(self._session)

    async def _reach_broker(self) -> None:
        self._state.check_reachable(self._session)
        await self._state.network.delay()
        self._state.check_reachable(self._session)


class SimulatedBroker:
    """Shared by all services of a process. `clock` tells the age of envelopes."""

    def __init__(
        self,
        seed: int = 0,
        clock: Clock | None = None,
        faults: Faults | None = None,
        retention: Retention | None = None,
    ) -> None:
        self._network = FaultInjector(seed, faults or Faults())
        self._state = BrokerState(clock or SystemClock(), self._network, retention or Retention())

    def transport(self, *, partitions: int, member: str) -> SimulatedTransport:
        return SimulatedTransport(self._state, partitions=partitions, member=member)

    @property
    def injected(self) -> Counter[str]:
        """How often each fault has happened."""
        return self._network.injected

    @property
    def faults(self) -> Faults:
        return self._network.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """From now on these; `Faults()` makes an honest broker of it."""
        self._network.faults = faults

    def cut_off(self, member: str) -> None:
        """The process of this name has died; its leases have not run out yet (see `kill`)."""
        self._state.cut_off(member)

    def kill(self, member: str) -> None:
        """The process of this name has died and its leases have run out."""
        self._state.drop_member(member)

    def stop(self) -> None:
        """Every call raises `Unavailable` until `start`."""
        self._state.reachable = False
        self._state.tell_news()

    def start(self) -> None:
        self._state.reachable = True

    def wipe(self) -> None:
        """All data are lost: a new epoch."""
        self._state.wipe()


_brokers_by_name: Final[dict[str, SimulatedBroker]] = {}


def simulated_broker(name: str, seed: int = 0, faults: Faults | None = None) -> SimulatedBroker:
    """The process's broker of this name; seed and faults count where it is new."""
    if name not in _brokers_by_name:
        _brokers_by_name[name] = SimulatedBroker(seed, faults=faults)
    return _brokers_by_name[name]
