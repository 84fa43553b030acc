"""One OpenAPI document out of those of all services (E11)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from feira.kernel.errors import Misconfigured

Document = dict[str, Any]
Rename = Callable[[str, str], str]
"""A component's kind (`schemas`) and name, to the name it has in the merged document."""

TITLE: Final = "Feira"
VERSION: Final = "1"
_REF: Final = "#/components/"


def merge(documents: Mapping[str, Document]) -> Document:
    """The services' documents, by service, as one.

    Components that are the same everywhere stay one; where a name means different things, each is
    called after its service (`Item` of orders: `OrdersItem`). Raises `Misconfigured` when two
    services have the same operation.
    """
    clashing = _clashing_components(documents)
    repeated = _repeated_operations(documents)
    merged: Document = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION},
        "servers": [{"url": "/"}],
        "paths": {},
        "components": {},
    }
    for service, document in documents.items():
        rename = _renaming(service, clashing)
        _add_components(merged["components"], document, rename)
        _add_paths(merged["paths"], service, _with_refs(document["paths"], rename), repeated)
    return merged


def _add_components(merged: Document, document: Document, rename: Rename) -> None:
    for kind, name, component in _components(document):
        merged.setdefault(kind, {})[rename(kind, name)] = _with_refs(component, rename)


def _add_paths(merged: Document, service: str, paths: Document, repeated: set[str]) -> None:
    for path, operations in paths.items():
        known = merged.setdefault(path, {})
        for method, operation in operations.items():
            if method in known:
                raise Misconfigured(f"{method.upper()} {path} is there twice, once in {service}")
            named = {"tags": [service], **operation}
            if (operation_id := operation.get("operationId")) in repeated:
                named["operationId"] = f"{service}_{operation_id}"
            known[method] = named


def _components(document: Document) -> Iterator[tuple[str, str, Any]]:
    for kind, named in document.get("components", {}).items():
        for name, component in named.items():
            yield kind, name, component


def _renaming(service: str, clashing: set[tuple[str, str]]) -> Rename:
    def rename(kind: str, name: str) -> str:
        return f"{service.capitalize()}{name}" if (kind, name) in clashing else name

    return rename


def _clashing_components(documents: Mapping[str, Document]) -> set[tuple[str, str]]:
    """Names that mean different things, and shared ones that refer to such names."""
    meanings: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for document in documents.values():
        for kind, name, component in _components(document):
            meanings[kind, name].append(component)
    shared = {place: found for place, found in meanings.items() if len(found) > 1}
    clashing = {
        place for place, (first, *others) in shared.items() if any(o != first for o in others)
    }
    while more := {
        place
        for place, (first, *_) in shared.items()
        if place not in clashing and not clashing.isdisjoint(_refs(first))
    }:
        clashing |= more
    return clashing


def _repeated_operations(documents: Mapping[str, Document]) -> set[str]:
    counts = Counter(
        operation.get("operationId")
        for document in documents.values()
        for operations in document["paths"].values()
        for operation in operations.values()
    )
    return {name for name, count in counts.items() if name and count > 1}


def _refs(value: Any) -> Iterator[tuple[str, str]]:
    """The components that a value refers to."""
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str) and ref.startswith(_REF):
            yield _place_of(ref)
        for inner in value.values():
            yield from _refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _refs(inner)


def _with_refs(value: Any, rename: Rename) -> Any:
    """A copy whose references follow their components' new names."""
    if isinstance(value, list):
        return [_with_refs(inner, rename) for inner in value]
    if not isinstance(value, dict):
        return value
    copy = {name: _with_refs(inner, rename) for name, inner in value.items()}
    if isinstance(ref := value.get("$ref"), str) and ref.startswith(_REF):
        kind, name = _place_of(ref)
        copy["$ref"] = f"{_REF}{kind}/{rename(kind, name)}"
    if isinstance(mapping := value.get("mapping"), dict):
        copy["mapping"] = {
            tag: _with_refs({"$ref": ref}, rename)["$ref"] for tag, ref in mapping.items()
        }
    return copy


def _place_of(ref: str) -> tuple[str, str]:
    kind, _, name = ref.removeprefix(_REF).partition("/")
    return kind, name
