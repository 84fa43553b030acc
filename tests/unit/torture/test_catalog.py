"""The table of faults: names, and which broker can have which."""

import pytest

from feira.torture.catalog import FAULTS, faults_named

KINDS_AT_LEAST = 12


@pytest.mark.parametrize("broker", ["valkey", "kafka", "rabbitmq"])
def test_every_broker_has_many_kinds(broker: str) -> None:
    assert len(faults_named("all", broker)) >= KINDS_AT_LEAST


def test_names_are_one_of_a_kind() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_some_are_chosen_by_name() -> None:
    chosen = faults_named("poison, kill-service", "valkey")
    assert [fault.name for fault in chosen] == ["poison", "kill-service"]


def test_a_fault_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not with valkey: earthquake; known: kill-service"):
        faults_named("earthquake", "valkey")


def test_a_fault_that_the_broker_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not with kafka: flush-broker"):
        faults_named("flush-broker", "kafka")
