"""What a broker is known to hold, told by its ledger."""

from feira.chassis.transports.ledger import Ledger, lost, made


def test_another_log_is_another_epoch() -> None:
    assert Ledger("a").epoch != Ledger("b").epoch


def test_new_topics_change_nothing_and_lost_ones_do() -> None:
    ledger = Ledger("a")
    before = ledger.epoch
    ledger.read(ledger.line_for("orders.events"))
    assert ledger.epoch == before

    assert ledger.line_for("orders.events") == lost("orders.events")
    assert ledger.line_for("stock.events") == made("stock.events")
    ledger.read(lost("orders.events"))
    assert ledger.epoch != before


def test_lines_of_a_later_version_are_passed_over() -> None:
    ledger = Ledger("a")
    ledger.read(b"moved orders.events")
    ledger.read(b"\xff\xfe")
    assert ledger == Ledger("a")
