"""What a broker is known to hold, told by its ledger."""

import pytest

from feira.chassis.transports.ledger import Ledger, lost, made, offset_in, position


def test_another_log_is_another_epoch() -> None:
    assert Ledger("a").epoch != Ledger("b").epoch


def test_new_topics_change_nothing_and_lost_ones_do() -> None:
    ledger = Ledger("a")
    before = ledger.epoch
    ledger.read(made("orders.events"))
    assert ledger.epoch == before
    assert ledger.topics == {"orders.events"}

    ledger.read(lost("orders.events"))
    assert ledger.epoch != before
    assert ledger.topics == set(), "until it is made again"


def test_lines_of_a_later_version_are_passed_over() -> None:
    ledger = Ledger("a")
    ledger.read(b"moved orders.events")
    ledger.read(b"\xff\xfe")
    assert ledger == Ledger("a")


def test_a_position_says_nothing_in_another_epoch() -> None:
    assert offset_in("a.0", position("a.0", 41)) == 41
    assert offset_in("a.1", position("a.0", 41)) is None


@pytest.mark.parametrize("text", ["", "41", "a.0", "a.0 ", "a.0 -1", "a.0 x", "a.0 \u00b2"])
def test_what_is_no_position_is_taken_for_none(text: str) -> None:
    assert offset_in("a.0", text) is None
