"""What the gateway serves about messages: `/asyncapi`, a page, and `/asyncapi.yaml`."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from feira.published.asyncapi import WIRE, asyncapi_yaml
from feira.published.directory import Entry, directory
from feira.published.fields import Field, fields_of
from feira.published.schemas import schema_of

HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Feira messages</title>
  <link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
  <header>
    <h1>Feira messages</h1>
    <p>All messages of this shop, as in <a href="/asyncapi.yaml">its AsyncAPI document</a>;
    its calls are at <a href="/docs">/docs</a>.</p>
  </header>
  <main>
"""
FOOT: Final = "  </main>\n</body>\n</html>\n"


def message_site() -> dict[str, bytes]:
    """The files, by their path below the gateway's site."""
    entries = directory()
    return {
        "asyncapi.yaml": asyncapi_yaml(entries).encode(),
        "docs/asyncapi.html": messages_html(entries).encode(),
    }


def messages_html(entries: Sequence[Entry]) -> str:
    """A page that needs no script."""
    return HEAD + "\n".join([*_paragraphs(WIRE), *_services(entries)]) + "\n" + FOOT


def _services(entries: Sequence[Entry]) -> Iterator[str]:
    for producer, sent in groupby(entries, key=lambda entry: entry.producer):
        yield f"<section><h2>{escape(producer)}</h2>"
        for entry in sent:
            yield from _message(entry)
        yield "</section>"


def _message(entry: Entry) -> Iterator[str]:
    kind = entry.kind
    listeners = ", ".join(entry.consumers) or "nobody yet"
    name = escape(kind.TYPE)
    yield f'<details id="{name}"><summary><span class="path">{name}</span>'
    yield f'<span class="summary">{escape(entry.summary)}</span></summary><div>'
    yield from _paragraphs(entry.says)
    yield f"<p>Topic <code>{escape(kind.TOPIC)}</code>, in order for its "
    yield f"<code>{escape(kind.KEY)}</code>. Listening: {escape(listeners)}.</p>"
    yield "<table><tr><th>field</th><th>type</th><th>unit</th><th>when left out</th></tr>"
    yield from map(_row, fields_of(schema_of(entry)))
    yield "</table></div></details>"


def _row(field: Field) -> str:
    cells = (f"<code>{escape(field.name)}</code>", *map(escape, (field.type, field.unit)))
    default = f"<code>{escape(field.default)}</code>" if field.default else ""
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in (*cells, default))}</tr>"


def _paragraphs(text: str) -> Iterator[str]:
    return (f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n") if part)
