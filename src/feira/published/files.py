"""The generated files under `docs/`, what is wrong with them, and how they are written anew."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from feira.kernel.errors import Misconfigured
from feira.published.asyncapi import asyncapi_yaml
from feira.published.compatibility import Schemas, breaking_changes
from feira.published.directory import Entry, directory
from feira.published.events_page import events_page
from feira.published.schemas import Schema, schema_of

SCHEMAS: Final = "docs/schemas"
STALE: Final = "is not what the contracts make it: run `make docs`"


def generated(schemas: Schemas, entries: list[Entry]) -> dict[str, str]:
    """The text of every generated file, by its path from the project's folder."""
    return {
        "docs/asyncapi.yaml": asyncapi_yaml(entries),
        "docs/events.md": events_page(entries),
        **{f"{SCHEMAS}/{name}.json": _pretty(schema) for name, schema in schemas.items()},
    }


def current_schemas(entries: list[Entry]) -> dict[str, Schema]:
    return {entry.kind.TYPE: schema_of(entry) for entry in entries}


def published_schemas(root: Path) -> dict[str, Schema]:
    """The schemas as they were last written down: what the world was promised."""
    return read_schemas({file.name: file.read_bytes() for file in (root / SCHEMAS).glob("*.json")})


def read_schemas(files: Mapping[str, bytes]) -> dict[str, Schema]:
    return {name.removesuffix(".json"): msgspec.json.decode(text) for name, text in files.items()}


def problems(root: Path, promised: Schemas) -> list[str]:
    """What is wrong with the files in a folder: broken promises, then what is out of date.

    `promised`: further schemas that must be kept, such as those of the last commit.
    """
    entries = directory()
    schemas = current_schemas(entries)
    broken = breaking_changes(promised, schemas) + breaking_changes(
        published_schemas(root), schemas
    )
    stale = [
        f"{path} {STALE}"
        for path, text in generated(schemas, entries).items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    ]
    return list(dict.fromkeys(broken)) + stale


def write(root: Path, promised: Schemas) -> list[str]:
    """Write what is out of date; returns the paths. Raises `Misconfigured` for a broken promise."""
    entries = directory()
    schemas = current_schemas(entries)
    if broken := breaking_changes({**promised, **published_schemas(root)}, schemas):
        raise Misconfigured("a published message may only become more:\n" + "\n".join(broken))
    (root / SCHEMAS).mkdir(parents=True, exist_ok=True)
    written = []
    for path, text in generated(schemas, entries).items():
        file = root / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _pretty(schema: Schema) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
