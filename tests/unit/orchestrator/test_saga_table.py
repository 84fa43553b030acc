"""The saga's table is complete: nothing that can be heard anywhere is without a word about it."""

from itertools import product

import pytest

from feira.services.orchestrator.adapters.memory import copied
from feira.services.orchestrator.application.advance_purchase import HEARD as HEARD_AS
from feira.services.orchestrator.application.publishing import PUBLISH, published
from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain.purchase_saga import (
    ASKS,
    AT_REST,
    RULES,
    STALE,
    UNDOING,
    Saga,
    State,
    advance,
    pending,
)
from feira.services.orchestrator.entrypoints.consumer import LISTENS_TO
from tests.unit.orchestrator.sagas import (
    EARLY,
    HEARD,
    LATE,
    SAID,
    START,
    everything_it_can_hear,
    purchase,
    started,
)

PAIRS = list(product(State, HEARD))


@pytest.mark.parametrize(("state", "heard"), PAIRS)
def test_each_state_acts_on_each_message_or_says_that_it_is_stale(
    state: State, heard: type[m.Heard]
) -> None:
    assert ((state, heard) in RULES) != ((state, heard) in STALE)


def test_the_table_speaks_of_nothing_else() -> None:
    assert RULES.keys() | STALE == set(PAIRS)


@pytest.mark.parametrize("state", State)
def test_a_stale_message_changes_nothing(state: State) -> None:
    for now in (EARLY, LATE):
        saga = Saga(purchase(), state, EARLY, attempt=2, method="card", token="tok_visa")
        for heard in everything_it_can_hear(saga):
            if (state, type(heard)) not in STALE:
                continue
            before = copied(saga)
            assert advance(saga, heard, now) == []
            assert saga == before


def test_nothing_follows_a_completed_purchase() -> None:
    assert not [pair for pair in RULES if pair[0] is State.COMPLETED]


def test_late_money_alone_wakes_a_canceled_purchase() -> None:
    assert [heard for state, heard in RULES if state is State.CANCELED] == [m.PaymentConfirmed]


def test_every_state_that_waits_for_a_service_asks_it() -> None:
    waits_for_the_customer = {State.AWAITING_PAYMENT}
    assert ASKS.keys() == set(State) - AT_REST - waits_for_the_customer
    assert len({type(asked) for asked in ASKS.values()}) == len(ASKS)


@pytest.mark.parametrize("state", sorted(set(State) - AT_REST))
def test_every_open_state_has_an_answer_to_being_overdue(state: State) -> None:
    assert (state, m.Overdue) in RULES


@pytest.mark.parametrize("state", sorted(UNDOING))
def test_a_customers_cancellation_is_taken_in_while_undoing(state: State) -> None:
    assert (state, m.OrderCanceled) in RULES


def test_every_wish_has_its_contract() -> None:
    assert PUBLISH.keys() == set(SAID)
    saga = started()
    for kind in SAID:
        message = published(saga, kind())
        assert message.key == str(saga.purchase.order_id)
    contracts = {kind: type(published(saga, kind())) for kind in SAID}
    assert len(set(contracts.values())) == len(SAID) - 1  # progress and settlement share one
    assert contracts[m.RecordProgress] is contracts[m.RecordSettlement]


def test_what_is_asked_is_what_its_name_says() -> None:
    saga = started()
    for kind in ASKS.values():
        assert type(published(saga, kind)).__name__ == type(kind).__name__


def test_everything_but_the_clock_is_heard_from_other_services() -> None:
    """Each listened-to message is translated, and each word of the saga can be heard."""
    assert len(HEARD_AS) == len(HEARD) - 1  # all but Overdue
    assert LISTENS_TO.keys() > HEARD_AS.keys()


def test_a_new_saga_asks_for_stock_and_nothing_else() -> None:
    for pays_at_once in (True, False):
        saga = started(pays_at_once=pays_at_once)
        assert pending(saga) == [m.ReserveStock()]
        assert saga.deadline > START
        assert (saga.attempt, bool(saga.token)) == ((1, True) if pays_at_once else (0, False))
