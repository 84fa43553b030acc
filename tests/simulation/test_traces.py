"""Sagas of the whole shop, in bad weather, only do what the model has seen them do."""

import pytest

from feira.model.saga_steps import SagaStep, steps_of_model, steps_of_saga, steps_of_timeline
from feira.model.scope import QUICK
from feira.model.search import explore
from feira.services.orchestrator.domain.purchase_saga import Saga
from feira.simulation.plan import plan
from feira.simulation.run import Outcome, Simulation, run

SEEDS = ("7", "11")
PURCHASES = 150


@pytest.fixture(scope="module")
def known() -> set[SagaStep]:
    return {step for scope in QUICK for step in steps_of_model(explore(scope).protocol)}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_timeline_is_a_path_of_the_model(
    known: set[SagaStep], seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagas: list[Saga] = []
    report = Simulation.report

    def report_and_keep(simulation: Simulation, outcome: Outcome) -> None:
        sagas.extend(simulation.shop.tables("orchestrator").sagas.values())
        report(simulation, outcome)

    monkeypatch.setattr(Simulation, "report", report_and_keep)
    assert run(plan(seed, PURCHASES)).violations == []

    taken = {step for saga in sagas for step in steps_of_saga(saga)}
    assert taken - known == set()
    assert len(sagas) >= PURCHASES
    assert len(taken) > 12, "a run in which little happens shows little"
    assert {saga.timeline[0][1:] for saga in sagas} == {("OrderCreated", "reserving")}


def test_a_step_that_the_model_has_not_seen_is_none_of_its_paths(known: set[SagaStep]) -> None:
    timeline = [
        ("OrderCreated", "reserving"),
        ("StockReserved", "paying"),
        ("PaymentConfirmed", "completed"),
    ]
    assert set(steps_of_timeline(timeline)) - known == {
        SagaStep("paying", "PaymentConfirmed", "completed")
    }
