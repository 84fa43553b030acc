"""A message's fields as a person reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from feira.contracts.units import UNIT
from feira.published.schemas import Schema


@dataclass(frozen=True, slots=True)
class Field:
    """`name` tells where it is: `lines[].quantity` is in every element of `lines`."""

    name: str
    type: str
    unit: str
    default: str
    """As JSON; empty when the field is always said."""


def fields_of(schema: Schema) -> list[Field]:
    """The fields of a stand-alone schema, with those of what it holds behind their owner."""
    return list(_fields("", schema, schema.get("$defs", {})))


def _fields(place: str, owner: Schema, held: Mapping[str, Schema]) -> Iterator[Field]:
    for name, field in owner["properties"].items():
        choices = [_target(choice, held) for choice in field.get("anyOf", (field,))]
        default = msgspec.json.encode(field["default"]).decode() if "default" in field else ""
        kinds = " or ".join(_type(choice, held) for choice in choices)
        units = {unit for choice in choices if (unit := _unit(choice))}
        yield Field(f"{place}{name}", kinds, ", ".join(sorted(units)), default)
        for choice in choices:
            yield from _inner(f"{place}{name}", choice, held)


def _inner(place: str, value: Schema, held: Mapping[str, Schema]) -> Iterator[Field]:
    if "items" in value:
        yield from _inner(f"{place}[]", _target(value["items"], held), held)
    elif "properties" in value:
        yield from _fields(f"{place}.", value, held)


def _type(value: Schema, held: Mapping[str, Schema]) -> str:
    if "items" in value:
        return f"list of {_type(_target(value['items'], held), held)}"
    if "enum" in value:
        return " or ".join(f"`{choice}`" for choice in value["enum"])
    return str(value.get("title") or value.get("type", "anything"))


def _unit(value: Schema) -> str:
    return str(value.get(UNIT) or (_unit(value["items"]) if "items" in value else ""))


def _target(value: Schema, held: Mapping[str, Schema]) -> Schema:
    reference = value.get("$ref")
    return held[reference.rpartition("/")[2]] if reference else value
