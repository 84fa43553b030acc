"""What PostgreSQL sends of its log: transactions, and which of their envelopes confirms them."""

from struct import pack as packed

from feira.chassis.postgres.log_messages import LogReader
from feira.chassis.postgres.log_outbox import PREFIX, pack
from feira.chassis.transports.port import Envelope
from feira.kernel.ids import uuid7

BEGIN = packed("!cQqI", b"B", 900, 1_000_000, 7)


def message(envelope: Envelope, prefix: str = PREFIX) -> bytes:
    content = pack(envelope)
    head = packed("!cBQ", b"M", 1, 0)
    return head + prefix.encode() + b"\0" + packed("!I", len(content)) + content


def commit(position: int) -> bytes:
    return packed("!cBQQq", b"C", 0, position - 1, position, 1_000_000)


def envelope() -> Envelope:
    return Envelope(uuid7(), "jars.events", 1, b"[]", 1)


def test_the_last_envelope_of_a_transaction_confirms_it() -> None:
    """Whoever dies before it begins with the transaction's first again."""
    reader, first, last = LogReader(), envelope(), envelope()
    assert reader.read(BEGIN) == []
    assert reader.read(message(first)) == []
    assert not reader.is_between_transactions
    assert reader.read(message(last)) == []
    ended = reader.read(commit(1_000))
    assert [one.envelope for one in ended] == [first, last]
    assert [one.confirms for one in ended] == [None, 1_000]
    assert reader.is_between_transactions


def test_what_others_say_in_the_log_is_passed_over() -> None:
    reader = LogReader()
    for part in (BEGIN, message(envelope(), prefix="others")):
        assert reader.read(part) == []
    assert reader.read(commit(1_000)) == []
