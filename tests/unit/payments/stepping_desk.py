"""The provider step, made to go one step at a time, with a world in the place of the lane."""

from collections.abc import Sequence
from typing import Any, Final, cast

from feira.chassis.lane import Lane
from feira.chassis.work import Origin
from feira.services.payments.application.check_payments import CheckPayments
from feira.services.payments.application.ports import PaymentProvider
from feira.services.payments.application.retry_refunds import RetryRefunds
from feira.services.payments.domain.payment import CHECK_SECONDS_MAX
from feira.services.payments.entrypoints.provider_desk import ProviderDesk
from tests.unit.payments.world import World

ROUNDS_MAX: Final = 50


class WorldLane:
    """Does what it is asked, a unit a batch; remembers all messages."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def ask(self, command: Any, *, origin: Origin) -> Any:
        return (await self._world.do(command)).outcomes[0]

    async def ask_all(self, commands: Sequence[Any], *, origin: Origin) -> list[Any]:
        return (await self._world.do(*commands)).outcomes


class SteppingDesk(ProviderDesk):
    def __init__(self, world: World, provider: PaymentProvider) -> None:
        super().__init__(provider)
        self._world = world
        self._lane = cast("Lane[Any]", WorldLane(world))
        self._origin = lambda: Origin("a-story")

    async def work(self) -> None:
        """Make all calls that are asked for, and those that follow from them."""
        queues = (self._canceling, self._charging, self._asking, self._refunding)
        for _ in range(ROUNDS_MAX):
            self.take(self._world.take_calls())
            waiting = [queue for queue in queues if queue._waiting]
            if not waiting:
                return
            for queue in waiting:
                await queue._call(queue._take())  # type: ignore[arg-type]
        raise AssertionError("one call leads to another without end")

    async def reconcile(self) -> None:
        """A while later, what is due is looked after."""
        self._world.pass_time(CHECK_SECONDS_MAX + 1)
        await self._world.do(CheckPayments(), RetryRefunds())
        await self.work()
