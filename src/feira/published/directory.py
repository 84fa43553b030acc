"""Who tells what to whom."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from pkgutil import iter_modules

from feira import contracts
from feira.contracts.message import Message
from feira.runtime.registry import FOLLOWED_BY_ALL, SERVICES, listened_to_by


@dataclass(frozen=True, slots=True)
class Entry:
    """One message. `producer` is the service that sends it, `consumers` those that listen to it."""

    kind: type[Message]
    producer: str
    consumers: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.kind.__name__

    @property
    def says(self) -> str:
        """Its docstring; empty when its name says all."""
        return cleandoc(self.kind.__dict__.get("__doc__") or "")

    @property
    def summary(self) -> str:
        """The first sentence of what it says."""
        first, dot, _ = self.says.partition("\n\n")[0].replace("\n", " ").partition(". ")
        return first + dot.strip()


def directory() -> list[Entry]:
    """Every message of every service, by its name on the wire."""
    listeners = _listeners()
    kinds = sorted(_kinds(), key=lambda kind: kind.TYPE)
    return [
        Entry(kind, kind.__module__.rpartition(".")[2], tuple(listeners.get(kind, ())))
        for kind in kinds
    ]


def topics(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The messages of each topic."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.kind.TOPIC].append(entry)
    return dict(sorted(found.items()))


def about(producer: str) -> str:
    """What the contracts of a service say about themselves."""
    return cleandoc(import_module(f"{contracts.__name__}.{producer}").__doc__ or "")


def _kinds() -> set[type[Message]]:
    modules = [
        import_module(f"{contracts.__name__}.{m.name}") for m in iter_modules(contracts.__path__)
    ]
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Message) and value is not Message
    }


def _listeners() -> dict[type[Message], list[str]]:
    found: dict[type[Message], list[str]] = defaultdict(list)
    for service in sorted(SERVICES):
        for kind in {*listened_to_by(service), *FOLLOWED_BY_ALL}:
            found[kind].append(service)
    return found
