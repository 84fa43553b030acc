"""The AsyncAPI document is one, and what goes over the wire is what it says."""

import copy
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft7Validator, ValidationError
from jsonschema.protocols import Validator

from feira.chassis.outbox import Outbox
from feira.chassis.work import Origin
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from feira.published.asyncapi import asyncapi_document, asyncapi_yaml
from feira.published.directory import Entry, directory
from tests.architecture.source_tree import ROOT
from tests.unit.contracts.test_messages import sample

ENTRIES = directory()
SPECIFICATION = msgspec.json.decode((ROOT / "tests/specs/asyncapi-3.1.0.json").read_bytes())
entries = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


@pytest.fixture(scope="module")
def specification() -> Validator:
    return Draft7Validator(SPECIFICATION)


@pytest.fixture
def document() -> dict[str, Any]:
    return asyncapi_document(ENTRIES)


def test_it_is_an_asyncapi_document(specification: Validator, document: dict[str, Any]) -> None:
    specification.validate(document)


def test_the_yaml_is_the_document(document: dict[str, Any]) -> None:
    assert yaml.safe_load(asyncapi_yaml(ENTRIES)) == document


@pytest.mark.parametrize(
    "path", ["asyncapi", "info.title", "operations.orders_send_orders_events.action"]
)
@pytest.mark.parametrize("wrong", [None, 7, "nonsense"])
def test_the_specification_bites(
    specification: Validator, document: dict[str, Any], path: str, wrong: Any
) -> None:
    *steps, last = path.split(".")
    place = document
    for step in steps:
        place = place[step]
    if (path, wrong) == ("info.title", "nonsense"):
        del place[last]
    else:
        place[last] = wrong
    with pytest.raises(ValidationError):
        specification.validate(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        assert resolved(document, reference) is not None, reference


def test_an_operation_speaks_of_messages_of_its_channel(document: dict[str, Any]) -> None:
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        assert operation["messages"]
        assert all(m["$ref"].startswith(f"{channel}/messages/") for m in operation["messages"])


def test_the_saga_and_inventory_speak_with_each_other(document: dict[str, Any]) -> None:
    asks = document["operations"]["orchestrator_send_inventory_commands"]
    hears = document["operations"]["inventory_receive_inventory_commands"]
    assert [asks["action"], hears["action"]] == ["send", "receive"]
    assert asks["messages"] == hears["messages"]
    assert {m["$ref"].rpartition("/")[2] for m in asks["messages"]} == {
        "ReserveStock",
        "ConfirmReservation",
        "ReleaseStock",
    }


@entries
def test_what_is_sent_is_what_it_says(entry: Entry, document: dict[str, Any]) -> None:
    schema = wire_schema(document, entry)
    event = as_sent(entry)
    schema.validate(event)
    for attribute in ("partitionkey", "correlationid", "data"):
        with pytest.raises(ValidationError):
            schema.validate({name: value for name, value in event.items() if name != attribute})
    with pytest.raises(ValidationError):
        schema.validate(event | {"type": "feira.tests.another.v1"})
    with pytest.raises(ValidationError):
        schema.validate(event | {"data": {**event["data"], entry.kind.KEY: None}})


def as_sent(entry: Entry) -> dict[str, Any]:
    """The one event of an envelope with a sample of the message, as JSON."""
    ids = Ids(SystemClock())
    outbox = Outbox(f"/feira/{entry.producer}", 4, ids, datetime(2026, 11, 27, tzinfo=UTC))
    outbox.speak_for([Origin("a-story", "0199-0", "00-ab-cd-01")])
    outbox.announce([[sample(entry.kind)]])
    (envelope,) = outbox.envelopes()
    (event,) = msgspec.json.decode(envelope.body)
    assert isinstance(event, dict)
    return event


def wire_schema(document: dict[str, Any], entry: Entry) -> Validator:
    payload = copy.deepcopy(document["components"]["messages"][entry.name]["payload"])
    return Draft7Validator({**payload, "components": document["components"]})


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for inner in value for found in references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if "$ref" in value else []
    return own + [found for inner in value.values() for found in references(inner)]


def resolved(document: dict[str, Any], reference: str) -> Any:
    value: Any = document
    for step in reference.removeprefix("#/").split("/"):
        value = value[step]
    return value
