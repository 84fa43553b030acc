"""What the model has seen sagas do: to hold the timelines of real ones to it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from feira.model.protocol import Protocol
from feira.services.orchestrator.adapters.memory import MemorySagas
from feira.services.orchestrator.application.advance_purchase import HEARD
from feira.services.orchestrator.application.sweep_purchases import SweepPurchases
from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain.purchase_saga import Saga


class SagaStep(NamedTuple):
    """One step of a saga, as its timeline tells it."""

    before: str
    heard: str
    after: str


def steps_of_model(protocol: Protocol) -> Iterator[SagaStep]:
    """All that were met while a scope was explored."""
    values = protocol.courses.databases.values
    for (number, command, *_), noted in protocol.noted.items():
        before, heard = values[number], _heard(command)
        if heard and isinstance(before, MemorySagas) and before.sagas:
            ((order_id, saga),) = before.sagas.items()
            yield SagaStep(saga.state, heard, values[noted.after].sagas[order_id].state)


def steps_of_saga(saga: Saga) -> list[SagaStep]:
    """What has become of a real saga, step by step, from its start."""
    return steps_of_timeline([(heard, state) for _, heard, state in saga.timeline])


def steps_of_timeline(timeline: Sequence[tuple[str, str]]) -> list[SagaStep]:
    """From what was heard and the state it led to; the first entry is the saga's start."""
    return [SagaStep(before, heard, after) for (_, before), (heard, after) in pairwise(timeline)]


def _heard(command: Any) -> str | None:
    if isinstance(command, SweepPurchases):
        return m.Overdue.__name__
    translate = HEARD.get(type(command))
    return type(translate(command)).__name__ if translate else None
