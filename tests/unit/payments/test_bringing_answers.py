"""Answers on their way to the lane: waiting for room, let go of when it does not answer."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from feira.chassis.lane import Lane
from feira.chassis.work import Origin
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.payments.domain.order_payments import Finding
from feira.services.payments.domain.payment import State
from feira.services.payments.entrypoints.drift import note_drift
from tests.unit.payments.fake_provider import FakeProvider
from tests.unit.payments.stepping_desk import SteppingDesk, WorldLane
from tests.unit.payments.world import World, captured, in_memory, request


class BusyLane(WorldLane):
    """Raises what it was given first."""

    def __init__(self, world: World, *errors: Exception) -> None:
        super().__init__(world)
        self.errors = list(errors)

    async def ask_all(self, commands: Sequence[Any], *, origin: Origin) -> list[Any]:
        if self.errors:
            raise self.errors.pop(0)
        return await super().ask_all(commands, origin=origin)


def desk_with(world: World, *errors: Exception) -> SteppingDesk:
    desk = SteppingDesk(world, FakeProvider())
    desk._lane = cast("Lane[Any]", BusyLane(world, *errors))
    return desk


async def test_a_full_lane_is_waited_for() -> None:
    world = in_memory()
    await world.do(request(1))
    full = [Overloaded("the lane", retry_after_seconds=0) for _ in range(3)]
    await desk_with(world, *full).work()
    assert await world.state(1) is State.CAPTURED


async def test_what_the_lane_does_not_answer_is_found_by_the_next_check() -> None:
    world = in_memory()
    await world.do(request(1))
    desk = desk_with(world, Unavailable("the database is away"))
    await desk.work()
    assert await world.state(1) is State.REQUESTED
    await desk.reconcile()
    assert await world.state(1) is State.CAPTURED


@pytest.mark.parametrize("finding", Finding)
def test_what_does_not_fit_is_counted_for_a_person(finding: Finding) -> None:
    before = _drift(finding)
    note_drift([(captured(1), finding)])
    strange = finding in (Finding.UNKNOWN_PAYMENT, Finding.CONTRADICTION)
    assert _drift(finding) - before == strange


def _drift(finding: Finding) -> float:
    labels = {"finding": finding.name.lower()}
    return REGISTRY.get_sample_value("feira_payments_drift_total", labels) or 0.0
