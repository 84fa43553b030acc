"""`docs/events.md`: every message on one page."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from feira.published.directory import Entry, about
from feira.published.fields import Field, fields_of
from feira.published.schemas import schema_of

HEAD: Final = """\
# Messages

*Made from `src/feira/contracts` by `make docs`: do not edit.*

Everything that the services tell each other. On the wire each is a CloudEvent 1.0 ([AsyncAPI
document](asyncapi.yaml), [JSON Schemas](schemas/)), whose attributes (id, source, type, time,
`partitionkey`, `correlationid`, `causationid`, `traceparent`) are not repeated here. A message is
in order with those of the same key. Fields are only added; a new meaning is a `.v2` beside the
`.v1`, and `make check` refuses anything else.

| message | from | to | topic | key |
|---|---|---|---|---|
"""


def events_page(entries: Sequence[Entry]) -> str:
    return HEAD + "\n".join([*map(_overview, entries), "", *_services(entries)]) + "\n"


def _overview(entry: Entry) -> str:
    anchor = entry.kind.TYPE.replace(".", "")
    return _row(
        f"[{entry.name}](#{anchor})",
        entry.producer,
        ", ".join(entry.consumers) or "-",
        f"`{entry.kind.TOPIC}`",
        f"`{entry.kind.KEY}`",
    )


def _services(entries: Sequence[Entry]) -> Iterator[str]:
    for producer, sent in groupby(entries, key=lambda entry: entry.producer):
        yield from (f"## {producer}", "", about(producer), "")
        for entry in sent:
            yield from _message(entry)


def _message(entry: Entry) -> Iterator[str]:
    yield from (f"### {entry.kind.TYPE}", "")
    if entry.says:
        yield from (entry.says, "")
    yield from ("| field | type | unit | when left out |", "|---|---|---|---|")
    yield from map(_field, fields_of(schema_of(entry)))
    yield ""


def _field(field: Field) -> str:
    default = f"`{field.default}`" if field.default else ""
    return _row(f"`{field.name}`", field.type, field.unit, default)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
