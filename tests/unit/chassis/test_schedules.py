"""What a service does by the clock: again and again, whatever went wrong the last time."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from feira.chassis import service as service_module
from feira.chassis.service import Schedule, Service, _repeat
from feira.chassis.work import Origin
from feira.kernel.errors import Overloaded, Unavailable
from tests.eventually import eventually
from tests.unit.chassis.jars import LookInto, running


@dataclass
class TroubledService:
    """Its lane fails in all ways there are, and then goes on."""

    name: str = "jars"
    asked: list[Any] = field(default_factory=list)
    troubles: list[Exception] = field(
        default_factory=lambda: [Overloaded("lane"), Unavailable("away"), KeyError("a bug")]
    )

    @property
    def lane(self) -> "TroubledService":
        return self

    async def ask(self, command: Any, *, origin: Origin) -> None:
        self.asked.append((command, origin.correlation_id))
        if self.troubles:
            raise self.troubles.pop(0)

    def started_by(self, kind: str) -> Origin:
        return Origin(f"{kind}-{len(self.asked)}")


async def test_a_schedule_goes_on_after_every_kind_of_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service_module, "SCHEDULE_RETRY_SECONDS", 0.001)
    service = TroubledService()
    schedule = Schedule(LookInto(1), every_seconds=0.001)

    async def asked_often() -> bool:
        return len(service.asked) >= 6

    async with running(_repeat(cast("Service", service), schedule)()):
        await eventually(asked_often)
    assert service.asked[:2] == [(LookInto(1), "schedule-0"), (LookInto(1), "schedule-1")]
