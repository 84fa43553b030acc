"""The JSON Schema of a message, as what Feira sends and reads makes it (msgspec)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from feira.contracts.cloudevents import CloudEvent
from feira.contracts.message import Message
from feira.contracts.units import UNIT
from feira.published.directory import Entry

Schema = dict[str, Any]

NUMBERS: Final = ("integer", "number")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TOPIC: Final = "x-topic"
KEY: Final = "x-key"
UNITS_BY_NAME: Final[Mapping[str, str]] = {
    "_id": "id",
    "_cents": "BRL centavos",
    "_seconds": "seconds",
}
"""What the end of a number's name says about it."""


def schema_of(entry: Entry) -> Schema:
    """A schema that stands alone, with the topic and the key of the message beside its fields."""
    (reference,), held = msgspec.json.schema_components([entry.kind], ref_template="#/$defs/{name}")
    own = held.pop(str(reference["$ref"]).rpartition("/")[2])
    schema = {
        "$schema": DIALECT,
        "$id": entry.kind.TYPE,
        TOPIC: entry.kind.TOPIC,
        KEY: entry.kind.KEY,
        **_described(own, entry),
    }
    if held:
        schema["$defs"] = {name: with_units(held[name]) for name in sorted(held)}
    return schema


def shared_schemas(entries: Sequence[Entry], ref_template: str) -> dict[str, Schema]:
    """The schemas of all messages and of what they hold, by name, and `CloudEvent`."""
    kinds: list[type[Message | CloudEvent]] = [entry.kind for entry in entries]
    _, found = msgspec.json.schema_components([*kinds, CloudEvent], ref_template=ref_template)
    described = {entry.name: _described(found[entry.name], entry) for entry in entries}
    return {name: described.get(name, with_units(schema)) for name, schema in found.items()}


def with_units(schema: Schema) -> Schema:
    """Every number among the fields says its unit."""
    fields = {name: _with_unit(name, field) for name, field in schema["properties"].items()}
    return {**schema, "properties": fields}


def without_unit(schema: Schema) -> list[str]:
    """The numbers of a schema that tell their unit neither by their name nor by a type of
    `feira.contracts.units`."""
    return [
        name
        for owner in (schema, *schema.get("$defs", {}).values())
        for name, field in owner["properties"].items()
        if any(number.get(UNIT) is None for number in _numbers(field))
    ]


def _described(schema: Schema, entry: Entry) -> Schema:
    """Without the docstring that every message inherits when it has none of its own."""
    bare = {name: value for name, value in schema.items() if name not in ("title", "description")}
    told = {"description": entry.says} if entry.says else {}
    return with_units({"title": entry.name, **told, **bare})


def _with_unit(name: str, field: Schema) -> Schema:
    unit = next((unit for end, unit in UNITS_BY_NAME.items() if name.endswith(end)), None)
    return _stamped(field, unit) if unit else field


def _stamped(field: Schema, unit: str) -> Schema:
    if choices := field.get("anyOf"):
        return {**field, "anyOf": [_stamped(choice, unit) for choice in choices]}
    if field.get("type") == "array":
        return {**field, "items": _stamped(field["items"], unit)}
    return {UNIT: unit} | field if field.get("type") in NUMBERS else field


def _numbers(field: Schema) -> Iterator[Schema]:
    for choice in field.get("anyOf", (field,)):
        if choice.get("type") in NUMBERS:
            yield choice
        elif choice.get("type") == "array":
            yield from _numbers(choice["items"])
