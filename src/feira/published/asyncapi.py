"""The AsyncAPI 3.1 document of the whole shop (https://www.asyncapi.com/docs/reference)."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from feira.contracts.cloudevents import BATCH_CONTENT_TYPE, SINGLE_CONTENT_TYPE
from feira.contracts.message import Message
from feira.published.directory import Entry, about, topics
from feira.published.schemas import KEY, Schema, shared_schemas

VERSION: Final = "1"
KAFKA_BINDING: Final = "0.5.0"
WIRE: Final = f"""\
What the services of Feira tell each other. Every message is a CloudEvent 1.0 in JSON.

They travel in envelopes: a broker's message holds up to 500 events of one partition, as a JSON
array (`{BATCH_CONTENT_TYPE}`). The payloads below describe one element of it. A topic that is set
to one event an envelope (`FEIRA_SINGLE_EVENT_TOPICS`) carries them in the binary mode of the
broker's CloudEvents binding: `data` is the body, the attributes are headers.

An event comes at least once, and in order for its `partitionkey`. Fields are only added, and a new
meaning is a `.v2` beside the `.v1`: ignore what you do not know.
"""


class _Plain(yaml.SafeDumper):
    """Writes every value out: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def asyncapi_yaml(entries: Sequence[Entry]) -> str:
    document = asyncapi_document(entries)
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
    return f"# Made from src/feira/contracts by `make docs`: do not edit.\n{text}"


def asyncapi_document(entries: Sequence[Entry]) -> dict[str, Any]:
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Feira",
            "version": VERSION,
            "description": WIRE,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": SINGLE_CONTENT_TYPE,
        "channels": {topic: _channel(topic, held) for topic, held in topics(entries).items()},
        "operations": _operations(entries),
        "components": {
            "messages": {entry.name: _message(entry) for entry in entries},
            "schemas": _schemas(entries),
            "correlationIds": {
                "story": {
                    "description": "The same in all messages that one request led to.",
                    "location": "$message.payload#/correlationid",
                }
            },
        },
    }


def _channel(topic: str, held: Sequence[Entry]) -> dict[str, Any]:
    return {
        "address": topic,
        "description": "\n\n".join(sorted({about(entry.producer) for entry in held})),
        "messages": {entry.name: _ref("components", "messages", entry.name) for entry in held},
    }


def _operations(entries: Sequence[Entry]) -> dict[str, Any]:
    """What each service sends to a topic, and what it takes from one."""
    grouped: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        for action, services in (("send", (entry.producer,)), ("receive", entry.consumers)):
            for service in services:
                grouped.setdefault((service, action, entry.kind.TOPIC), []).append(entry)
    return {
        f"{service}_{action}_{topic.replace('.', '_')}": {
            "action": action,
            "summary": f"{service} {_VERBS[action]} {topic}",
            "tags": [{"name": service}],
            "channel": _ref("channels", topic),
            "messages": [_ref("channels", topic, "messages", entry.name) for entry in held],
        }
        for (service, action, topic), held in sorted(grouped.items())
    }


_VERBS: Final = {"send": "sends to", "receive": "listens to"}


def _message(entry: Entry) -> dict[str, Any]:
    data = {
        "type": {"const": entry.kind.TYPE},
        "source": {"const": f"/feira/{entry.producer}"},
        "data": _ref("components", "schemas", entry.name),
    }
    return {
        "name": entry.kind.TYPE,
        "title": entry.name,
        "summary": entry.summary,
        "description": entry.says,
        "contentType": SINGLE_CONTENT_TYPE,
        "correlationId": _ref("components", "correlationIds", "story"),
        "payload": {
            "allOf": [
                _ref("components", "schemas", "CloudEvent"),
                {"type": "object", "properties": data},
            ]
        },
        "bindings": {"kafka": {"key": _key(entry.kind), "bindingVersion": KAFKA_BINDING}},
        KEY: entry.kind.KEY,
    }


def _key(kind: type[Message]) -> Schema:
    return {"type": "string", "description": f"`partitionkey`: the {kind.KEY}, as text"}


def _schemas(entries: Sequence[Entry]) -> dict[str, Schema]:
    schemas = shared_schemas(entries, "#/components/schemas/{name}")
    event = schemas.pop("CloudEvent")
    fields = event["properties"]
    fields["time"] = {"type": "string", "format": "date-time"}
    for always in ("specversion", "datacontenttype"):
        fields[always] = {"type": "string", "const": fields[always]["default"]}
        event["required"].append(always)
    event["description"] = "The attributes of CloudEvents 1.0 and its extensions that Feira uses."
    return {"CloudEvent": event, **dict(sorted(schemas.items()))}


def _ref(*steps: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(steps)}
