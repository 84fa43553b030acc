"""Every service: its settings, how it is built, where its migrations are.

A service is imported only when it is asked for, so that a process carries no more than it runs.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from feira.chassis.parts import Parts
from feira.chassis.postgres.read_models import ReadModel
from feira.chassis.service import Service
from feira.chassis.settings import ServiceSettings
from feira.contracts.identity import SessionRevoked
from feira.contracts.message import Message
from feira.kernel.errors import Misconfigured

SERVICES: Final = (
    *("identity", "catalog", "inventory", "orders", "orchestrator", "payments", "flashsale"),
)
"""The services that have a database, in the order in which people meet them."""

FOLLOWED_BY_ALL: Final[tuple[type[Message], ...]] = (SessionRevoked,)
"""What every process follows, whatever it runs: it is kept in memory (`chassis.following`)."""

Build = Callable[[Parts, ServiceSettings], Service]


def check_names(names: Sequence[str]) -> None:
    """Raises `Misconfigured` for what is no service."""
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise Misconfigured(
            f"no such service: {', '.join(unknown)}; there are {', '.join(SERVICES)}"
        )


def settings_of(name: str) -> type[ServiceSettings]:
    module = import_module(f"feira.services.{name}.settings")
    kind: type[ServiceSettings] = getattr(module, f"{name.capitalize()}Settings")
    return kind


def builder_of(name: str) -> Build:
    build: Build = import_module(f"feira.services.{name}.bootstrap").build
    return build


def migrations_of(name: str) -> Path:
    package = import_module(f"feira.services.{name}")
    assert package.__file__ is not None
    return Path(package.__file__).parent / "migrations"


def read_models_of(name: str) -> tuple[ReadModel, ...]:
    """The tables of a service that hold nothing but what others told it."""
    module = f"feira.services.{name}.adapters.postgres.read_models"
    return tuple(import_module(module).READ_MODELS) if find_spec(module) else ()


def listened_to_by(name: str) -> tuple[type[Message], ...]:
    """The messages that a service's consumer takes; none for one that has no consumer."""
    module = f"feira.services.{name}.entrypoints.consumer"
    return tuple(import_module(module).LISTENS_TO) if find_spec(module) else ()
