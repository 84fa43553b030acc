"""Packing: one envelope a topic and partition, within its limits, in the order of what was said."""

import msgspec
import pytest

from feira.chassis.outbox import ENVELOPE_SIZE_BYTES_MAX, Outbox
from feira.chassis.transports.port import ENVELOPE_EVENTS_MAX, partition_of
from feira.chassis.work import Origin
from feira.contracts.cloudevents import decode_batch
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from tests.unit.chassis.jars import PARTITIONS, START, JarFilled, PutSweets, messages_in


class LongStory(JarFilled, frozen=True, kw_only=True):
    text: str


@pytest.fixture
def outbox() -> Outbox:
    outbox = Outbox("/feira/jars", PARTITIONS, Ids(ManualClock(START)), START)
    outbox.speak_for([Origin("a-story", "message-1", "00-aa-bb-01")])
    return outbox


def filled(jar_id: int, sweets: int = 1) -> JarFilled:
    return JarFilled(jar_id=jar_id, sweets=sweets)


def test_nothing_said_is_no_envelope(outbox: Outbox) -> None:
    assert outbox.envelopes() == []


def test_a_key_has_its_partition_and_a_partition_its_envelope(outbox: Outbox) -> None:
    outbox.tell([filled(n % 20) for n in range(100)])
    envelopes = outbox.envelopes()
    assert len(envelopes) == len({e.partition for e in envelopes}) <= PARTITIONS
    for envelope in envelopes:
        events = decode_batch(envelope.body)
        assert envelope.events == len(events)
        assert {partition_of(e.partitionkey, PARTITIONS) for e in events} == {envelope.partition}
    assert sum(envelope.events for envelope in envelopes) == 100


def test_what_is_part_of_an_earlier_story_says_so(outbox: Outbox) -> None:
    outbox.speak_for([Origin("a-webhook", "message-1")] * 2)
    outbox.announce([[filled(1)], [filled(2)]], {"2": "an-order"})
    told = [event for e in outbox.envelopes() for event in decode_batch(e.body)]
    assert {event.partitionkey: event.correlationid for event in told} == {
        "1": "a-webhook",
        "2": "an-order",
    }
    assert {event.causationid for event in told} == {"message-1"}


def test_topics_are_not_mixed(outbox: Outbox) -> None:
    outbox.tell([filled(1), PutSweets(jar_id=1), filled(1)])
    assert [(e.topic, e.events) for e in outbox.envelopes()] == [
        ("jars.events", 2),
        ("jars.commands", 1),
    ]


def test_an_envelope_holds_so_many_events_and_keeps_their_order(outbox: Outbox) -> None:
    outbox.tell([filled(1, n) for n in range(ENVELOPE_EVENTS_MAX * 2 + 1)])
    envelopes = outbox.envelopes()
    assert len(envelopes) > 2
    assert all(envelope.events <= ENVELOPE_EVENTS_MAX for envelope in envelopes)
    told = [data["sweets"] for _, data in messages_in(envelopes)]
    assert told == list(range(ENVELOPE_EVENTS_MAX * 2 + 1))


def test_an_envelope_is_so_large_and_no_larger(outbox: Outbox) -> None:
    text = "x" * (ENVELOPE_SIZE_BYTES_MAX // 4)
    outbox.tell([LongStory(jar_id=1, sweets=n, text=text) for n in range(10)])
    envelopes = outbox.envelopes()
    assert all(len(envelope.body) <= ENVELOPE_SIZE_BYTES_MAX for envelope in envelopes)
    assert [data["sweets"] for _, data in messages_in(envelopes)] == list(range(10))


def test_an_event_that_is_too_large_alone_goes_alone(outbox: Outbox) -> None:
    huge = "x" * (ENVELOPE_SIZE_BYTES_MAX + 1)
    outbox.tell([filled(1), LongStory(jar_id=1, sweets=2, text=huge), filled(1, 3)])
    assert [data["sweets"] for _, data in messages_in(outbox.envelopes())] == [1, 2, 3]


def test_some_topics_have_one_event_an_envelope() -> None:
    outbox = Outbox("/feira/jars", 1, Ids(ManualClock(START)), START, ("jars.events",))
    outbox.speak_for([Origin("a-story")])
    outbox.tell([filled(1), PutSweets(jar_id=1), filled(2), PutSweets(jar_id=2), filled(1, 3)])
    envelopes = outbox.envelopes()
    assert [(e.topic, e.events) for e in envelopes] == [
        ("jars.events", 1),
        ("jars.events", 1),
        ("jars.events", 1),
        ("jars.commands", 2),
    ]
    assert [data["jar_id"] for _, data in messages_in(envelopes[:3])] == [1, 2, 1]
    assert len({envelope.id for envelope in envelopes}) == 4


def test_each_message_names_its_cause() -> None:
    outbox = Outbox("/feira/jars", 1, Ids(ManualClock(START)), START)
    outbox.speak_for([Origin("story-1", "message-1"), Origin("story-2", None, "00-aa-bb-01")])
    outbox.announce([[filled(1), filled(2)], [filled(3)]])
    (envelope,) = outbox.envelopes()
    events = decode_batch(envelope.body)
    assert [(e.correlationid, e.causationid, e.traceparent) for e in events] == [
        ("story-1", "message-1", ""),
        ("story-1", "message-1", ""),
        ("story-2", "", "00-aa-bb-01"),
    ]
    assert len({event.id for event in events}) == 3
    assert {event.source for event in events} == {"/feira/jars"}
    assert msgspec.json.decode(envelope.body)[0]["time"] == "2025-11-28T03:00:00Z"


def test_announcements_that_do_not_fit_the_commands_are_a_bug(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="shorter"):
        outbox.announce([])


def test_what_was_packed_is_not_packed_again(outbox: Outbox) -> None:
    outbox.tell([filled(1)])
    assert len(outbox.envelopes()) == 1
    assert outbox.envelopes() == []
