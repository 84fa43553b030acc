"""The shop's own OpenAPI document as a list of what can be sent wrongly."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

JSON_TYPE: Final = "application/json"
MARK: Final = "<<here>>"
WRITING: Final = ("post", "put", "patch")
FITTING: Final = {
    "email": "sweep@example.com",
    "password": "stapler-lagoon-42",
    "new": "stapler-lagoon-43",
    "phone": "+5511912345678",
    "starts_at": "2099-11-27T03:00:00Z",
    "ends_at": "2099-11-28T03:00:00Z",
}
"""What a schema does not tell of a text."""
Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address; `body` is an example that fits its schema, or None without one."""

    method: str
    path: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def bodies_with(self, value: bytes) -> Iterator[bytes]:
        """The example with the raw JSON `value` in place of each of its parts, one at a time."""
        for steps in places_in(self.body):
            marked = json.dumps(replaced(self.body, steps, MARK)).encode()
            yield marked.replace(json.dumps(MARK).encode(), value)


def writing_operations(contract: Any, ids: Mapping[str, int], other_id: int) -> list[Operation]:
    """Every POST, PUT and PATCH; parameters of paths become `ids` by their names, or `other_id`."""
    return [
        Operation(method.upper(), filled(path, ids, other_id), example_of(contract, operation))
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
        if method in WRITING
    ]


def filled(path: str, ids: Mapping[str, int], other_id: int) -> str:
    parts = path.split("/")
    return "/".join(
        str(ids.get(f"{parts[at - 1]}/{part}", other_id)) if part.startswith("{") else part
        for at, part in enumerate(parts)
    )


def example_of(contract: Any, operation: Any) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return example(contract, content[JSON_TYPE]["schema"]) if JSON_TYPE in content else None


def example(contract: Any, schema: Any) -> Any:
    """A value that fits a schema, as far as a schema tells."""
    schema = resolved(contract, schema)
    for known in ("examples", "enum"):
        if known in schema:
            return schema[known][0]
    if schema.get("const", schema.get("default")):
        return schema.get("const", schema.get("default"))
    match schema.get("type"):
        case "object":
            parts = schema.get("properties", {})
            return {
                name: FITTING.get(name, example(contract, parts[name])) for name in fitting(parts)
            }
        case "array":
            return [example(contract, schema["items"])]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case _:
            return "example"


def fitting(parts: Mapping[str, Any]) -> list[str]:
    """Fields that go together: of what `items` may be called one, and none that only refuses."""
    synonyms = {"items"} if "itens" in parts else set()
    return [name for name, part in parts.items() if name not in synonyms and is_typed(part)]


def is_typed(schema: Any) -> bool:
    return not {"type", "anyOf", "$ref", "enum", "const"}.isdisjoint(schema)


def resolved(contract: Any, schema: Any) -> Any:
    """Without references, and of alternatives the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = referred(contract, schema["$ref"])
        elif "anyOf" in schema:
            schema = next(part for part in schema["anyOf"] if part.get("type") != "null")
        else:
            return schema


def referred(contract: Any, reference: str) -> Any:
    found = contract
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def places_in(value: Any) -> Iterator[Steps]:
    """The steps to each part of a JSON value, the parts of parts included."""
    parts: Iterator[tuple[str | int, Any]]
    match value:
        case dict():
            parts = iter(value.items())
        case list():
            parts = iter(enumerate(value))
        case _:
            parts = iter(())
    for step, part in parts:
        yield (step,)
        yield from ((step, *further) for further in places_in(part))


def replaced(value: Any, steps: Steps, new: Any) -> Any:
    """A copy of a JSON value in which what the steps lead to is `new`."""
    if not steps:
        return new
    first, *rest = steps
    copy = value.copy()
    copy[first] = replaced(value[first], tuple(rest), new)
    return copy
