"""Envelopes on their way into Valkey's streams, byte by byte."""

import libvalkey
import pytest

from feira.chassis.transports.port import Envelope
from feira.chassis.transports.valkey_streams import (
    Mark,
    Stream,
    deliveries_of,
    pack_transaction,
    read_command,
)
from feira.kernel.ids import uuid7


@pytest.mark.parametrize("body", [b"", b"[]", bytes(range(256)), b"\r\n$5\r\n", b"x" * 300_000])
def test_a_transaction_is_what_the_protocols_own_packer_makes(body: bytes) -> None:
    envelopes = [Envelope(uuid7(), "orders.events", partition, body) for partition in (0, 11)]
    commands = [
        ("XADD", f"feira:orders.events:{each.partition}", "*", "id", each.id.bytes, "body", body)
        for each in envelopes
    ]
    expected = [libvalkey.pack_command(command) for command in (("MULTI",), *commands, ("EXEC",))]
    assert b"".join(pack_transaction(envelopes)) == b"".join(expected)


def test_entries_become_deliveries_with_the_ordinals_that_follow() -> None:
    first, second = uuid7(), uuid7()
    entries = [
        [b"1700-0", [b"id", first.bytes, b"body", b"[1]"]],
        [b"1700-1", [b"id", second.bytes, b"body", b"[2]"]],
    ]
    stream = Stream("orders.events", 3)

    deliveries = list(deliveries_of(stream, Mark("1699-0", 41), entries))

    assert [each.position for each in deliveries] == ["1700-0/42", "1700-1/43"]
    assert [each.envelope for each in deliveries] == [
        Envelope(first, "orders.events", 3, b"[1]"),
        Envelope(second, "orders.events", 3, b"[2]"),
    ]


def test_a_mark_survives_its_text_and_sorts_by_number() -> None:
    mark = Mark("1700-10", 9)
    assert Mark.parse(mark.text) == mark
    assert Mark("1700-9", 1).sort_key < mark.sort_key < Mark("1701-0", 10).sort_key


def test_a_read_never_blocks_for_ever() -> None:
    assert read_command({"feira:t:0": "1-1"}, 8, block_seconds=0) == (
        *("XREAD", "COUNT", 8, "BLOCK", 1, "STREAMS"),
        *("feira:t:0", "1-1"),
    )
