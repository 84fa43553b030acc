"""`GET /dead-letters` (I6): where each service lists what it could not handle.

Each has its own list, below this address and by its name: no service may ask another for it.
"""

from collections.abc import Mapping
from typing import Any, Final

DEAD_LETTERS: Final = "/dead-letters"
INDEX_FILE: Final = "dead-letters.json"

_LINK: Final = {
    "type": "object",
    "required": ["service", "href"],
    "properties": {
        "service": {"type": "string"},
        "href": {"type": "string", "format": "uri-reference"},
    },
}
_INDEX: Final = {
    "type": "object",
    "required": ["items"],
    "properties": {"items": {"type": "array", "items": _LINK}},
}
INDEX_OPERATION: Final[dict[str, Any]] = {
    "operationId": "index_dead_letters",
    "summary": "Where each service lists the messages that it could not handle",
    "tags": ["dead letters"],
    "responses": {
        "200": {
            "description": "Successful Response",
            "content": {"application/json": {"schema": _INDEX}},
        }
    },
}


def dead_letter_index(documents: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The index, of those services whose document has such a list."""
    places = {service: f"{DEAD_LETTERS}/{service}" for service in documents}
    return {
        "items": [
            {"service": service, "href": place}
            for service, place in places.items()
            if place in documents[service]["paths"]
        ]
    }
