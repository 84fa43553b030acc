"""What a published message may become: more, and nothing else (DESIGN, section 3).

Both directions count. An old consumer reads what a new producer says, so a field must stay, as it
was. A new consumer reads what an old producer said (it lies in a topic, or among the dead letters),
so a new field must do without being said. A new meaning is a `.v2` beside the `.v1`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from feira.published.schemas import KEY, TOPIC, Schema

Schemas = Mapping[str, Schema]
"""Stand-alone schemas of messages, by their name on the wire."""

SAYS_NOTHING: Final = frozenset({"title", "description", "default", "examples", "$ref"})
"""Keywords that do not tell which values there are (a default is compared by itself)."""
_ABSENT: Final = object()


def breaking_changes(published: Schemas, current: Schemas) -> list[str]:
    """A line for each thing that was promised and holds no more; empty when all was only added."""
    return [
        f"{name}: {change}"
        for name, old in sorted(published.items())
        for change in _message_changes(old, current.get(name))
    ]


def _message_changes(old: Schema, new: Schema | None) -> Iterator[str]:
    if new is None:
        yield "the message was removed"
        return
    for keyword, called in ((TOPIC, "topic"), (KEY, "key")):
        if old[keyword] != new[keyword]:
            yield f"its {called} was {old[keyword]!r} and is {new[keyword]!r}"
    yield from _Comparison(old.get("$defs", {}), new.get("$defs", {})).objects("", old, new)


class _Comparison:
    """Compares values of two versions of a message, each with its own definitions."""

    def __init__(self, old: Mapping[str, Schema], new: Mapping[str, Schema]) -> None:
        self._old = old
        self._new = new

    def objects(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        was, is_ = old["properties"], new["properties"]
        for name in sorted(was.keys() - is_.keys()):
            yield f"{place}{name} was removed"
        for name in sorted(is_.keys() - was.keys()):
            if name in new.get("required", ()):
                yield f"{place}{name} is new and has no default"
        for name in sorted(was.keys() & is_.keys()):
            yield from self._presence(f"{place}{name}", name, old, new)
            yield from self._values(f"{place}{name}", was[name], is_[name])

    def _presence(self, place: str, name: str, old: Schema, new: Schema) -> Iterator[str]:
        required = [name in schema.get("required", ()) for schema in (old, new)]
        defaults = [schema["properties"][name].get("default", _ABSENT) for schema in (old, new)]
        if required == [True, False]:
            yield f"{place} was always there and may now be left out"
        elif required == [False, True]:
            yield f"{place} could be left out and has no default any more"
        elif defaults[0] != defaults[1]:
            yield f"{place} had the default {defaults[0]!r} and has {defaults[1]!r}"

    def _values(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        if _bare(old) != _bare(new):
            yield f"{place} was {_bare(old)} and is {_bare(new)}"
        elif "properties" in old:
            yield from self.objects(f"{place}.", old, new)
        elif "items" in old:
            yield from self._values(f"{place}[]", old["items"], new["items"])
        else:
            for before, after in zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=True):
                yield from self._values(place, before, after)


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else schema


def _bare(schema: Schema) -> dict[str, Any]:
    """What must be equal; what lies inside is compared by itself."""
    inside = {"properties": "fields", "required": "", "items": "items"}
    told = {name: v for name, v in schema.items() if name not in SAYS_NOTHING | inside.keys()}
    if choices := told.get("anyOf"):
        told["anyOf"] = len(choices)
    return told
