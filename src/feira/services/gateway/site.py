"""The files that the gateway serves itself: `/openapi.json`, `/asyncapi`, the pages of `/docs`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from feira.services.gateway.dead_letters import (
    DEAD_LETTERS,
    INDEX_FILE,
    INDEX_OPERATION,
    dead_letter_index,
)
from feira.services.gateway.openapi import merge

PAGES: Final = Path(__file__).parent / "pages"
READABLE: Final = 0o644
PASSABLE: Final = 0o755


def write_site(
    static_dir: Path, documents: Mapping[str, dict[str, Any]], pages: Mapping[str, bytes]
) -> None:
    """Write what `GatewaySettings.static_dir` serves, readable for NGINX's workers.

    `documents`: each service's OpenAPI (`shell.app.openapi()`), by service; `pages`: further files,
    by their path (`published.site`).
    """
    static_dir.mkdir(parents=True, exist_ok=True)
    static_dir.chmod(PASSABLE)
    document = merge(documents)
    document["paths"][DEAD_LETTERS] = {"get": INDEX_OPERATION}
    _put(static_dir / "openapi.json", msgspec.json.encode(document))
    _put(static_dir / INDEX_FILE, msgspec.json.encode(dead_letter_index(documents)))
    docs = static_dir / "docs"
    docs.mkdir(exist_ok=True)
    docs.chmod(PASSABLE)
    for page in PAGES.iterdir():
        _put(docs / page.name, page.read_bytes())
    for path, content in pages.items():
        _put(static_dir / path, content)


def _put(file: Path, content: bytes) -> None:
    """Whole or not at all: NGINX may be reading it."""
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(content)
    new.chmod(READABLE)
    shutil.move(new, file)
