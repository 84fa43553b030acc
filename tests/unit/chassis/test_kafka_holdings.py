"""Which offsets a member of a Kafka group may commit, and where it starts again."""

from feira.chassis.transports.kafka_holdings import Holdings, Place

PLACE = Place("orders.events", 0)


def up_to(offset: int) -> list[tuple[Place, int]]:
    return [(PLACE, offset)]


def test_what_is_done_is_due_until_it_is_committed() -> None:
    holdings = Holdings()
    assert holdings.take(PLACE, committed=None) is None
    holdings.begin(PLACE, 10)
    holdings.advance(up_to(12))
    holdings.advance(up_to(11))  # late: takes nothing back
    assert holdings.due() == {PLACE: 13}
    holdings.settle({PLACE: 13})
    assert holdings.due() == {}
    assert holdings.starts() == {PLACE: 13}


def test_what_has_come_is_neither_due_nor_passed_over() -> None:
    holdings = Holdings()
    holdings.take(PLACE, committed=None)
    holdings.begin(PLACE, 10)
    assert holdings.due() == {}
    assert holdings.starts() == {PLACE: 10}


def test_a_partition_that_was_given_up_is_another_members() -> None:
    holdings = Holdings()
    holdings.take(PLACE, committed=5)
    holdings.give_up([PLACE])
    holdings.advance(up_to(7))
    assert holdings.due() == {}
    assert holdings.take(PLACE, committed=5) == 5


def test_what_was_done_while_the_connection_was_lost_need_not_come_again() -> None:
    holdings = Holdings()
    holdings.take(PLACE, committed=5)
    holdings.lose([PLACE])
    holdings.advance(up_to(7))
    assert holdings.take(PLACE, committed=5) == 8
    assert holdings.due() == {PLACE: 8}


def test_another_epoch_forgets_all_offsets() -> None:
    holdings = Holdings()
    holdings.take(PLACE, committed=5)
    holdings.advance(up_to(7))
    holdings.forget()
    assert holdings.take(PLACE, committed=None) is None
    assert holdings.due() == {}
