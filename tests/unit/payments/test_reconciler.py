"""The reconciler: measures what is open, and writes nothing while nothing is due."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast

from feira.chassis.lane import Lane
from feira.chassis.work import Origin
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.payments.application.ports import Backlog
from feira.services.payments.domain.payment import CHECK_SECONDS_MIN
from feira.services.payments.entrypoints.reconciler import Reconciler
from tests.unit.payments.stepping_desk import WorldLane
from tests.unit.payments.world import cancel, captured, in_memory, not_given_back, request


class Gauges:
    def __init__(self) -> None:
        self.values: dict[str, tuple[int, float]] = {}

    def open_work(self, kind: str, count: int, oldest_seconds: float) -> None:
        self.values[kind] = (count, oldest_seconds)


class CountingLane(WorldLane):
    asked = 0

    async def ask(self, command: Any, *, origin: Origin) -> Any:
        self.asked += 1
        return await super().ask(command, origin=origin)


async def test_what_is_open_is_measured_and_what_is_due_taken_up() -> None:
    world, gauges = in_memory(), Gauges()
    lane = CountingLane(world)
    reconciler = Reconciler(world.queries, world.clock, cast("Any", gauges), every_seconds=1)

    async def look() -> dict[str, tuple[int, float]]:
        await reconciler.look(cast("Lane[Any]", lane), lambda: Origin("reconciler"))
        return gauges.values

    nothing = (0, 0.0)
    assert await look() == {
        "unresolved_payments": nothing,
        "unsettled_refunds": nothing,
        "failing_refunds": nothing,
    }
    await world.do(request(1), request(2))
    await world.do(captured(2), cancel(2), not_given_back("feira-refund-2"))
    world.take_calls()
    world.clock.advance(timedelta(seconds=CHECK_SECONDS_MIN - 1))
    assert await look() == {
        "unresolved_payments": (1, 9.0),
        "unsettled_refunds": (1, 9.0),
        "failing_refunds": (1, 9.0),
    }
    assert lane.asked == 0
    assert not world.calls
    world.clock.advance(timedelta(seconds=1))
    await look()
    assert lane.asked == 2
    assert [payment.order_id for payment in world.calls.questions] == [1]
    assert [refund.try_key for refund in world.calls.refunds] == ["feira-refund-2~1"]
    await look()
    assert lane.asked == 2


async def test_trouble_only_puts_it_off() -> None:
    """The database away, the lane full, even a bug: it looks again, or nobody ever would."""
    looks: list[str] = []
    looked = asyncio.Event()
    troubles = [Unavailable("away"), Overloaded("the lane"), ZeroDivisionError("a bug")]

    class Queries:
        async def unresolved_payments(self, now: datetime) -> Backlog:
            looks.append("look")
            if troubles:
                raise troubles.pop(0)
            looked.set()
            return Backlog(0, 0, 0, None)

        async def unsettled_refunds(self, now: datetime) -> Backlog:
            return Backlog(0, 0, 0, None)

    world = in_memory()
    queries = cast("Any", Queries())
    reconciler = Reconciler(queries, world.clock, cast("Any", Gauges()), every_seconds=0)
    running = asyncio.create_task(
        reconciler.run(cast("Lane[Any]", WorldLane(world)), lambda: Origin("reconciler"))
    )
    async with asyncio.timeout(60):
        await asyncio.wait(
            [running, waiting := asyncio.create_task(looked.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
    assert not running.done()
    assert len(looks) >= 4
    running.cancel()
    waiting.cancel()
