"""Settings: typed, from the environment, complete or the process does not start.

The `broker_url` of the service `orders` is read from `FEIRA_ORDERS_BROKER_URL`, and where that is
absent from `FEIRA_BROKER_URL`, which holds for all services.
"""

import os
from pathlib import Path
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from feira.kernel.errors import Misconfigured

PREFIX: Final = "FEIRA_"

RelayKind: TypeAlias = Literal["poll", "cdc"]

S = TypeVar("S", bound="ServiceSettings")


class ServiceSettings(BaseSettings):
    """What every service is told; a service's own settings extend it and name the `service`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    service: ClassVar[str]
    """The service's name: `orders` reads `FEIRA_ORDERS_…`."""

    database_url: str = Field(repr=False, pattern=r"^postgres(ql)?://")
    database_connections_max: int = Field(default=4, ge=2, le=100)
    broker_url: str = Field(default="valkey://127.0.0.1:6379", repr=False)
    member: str | None = Field(default=None, pattern=r"^[\w.-]{1,100}$")
    """This process among those of its service. With one that is the same after a restart it goes on
    at once; without (host and process id) what it worked on waits 10 s, until the lease ends."""
    listen: str = "127.0.0.1:0"
    jwks_file: Path
    issuer: str = "feira"
    audience: str = "feira"
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    partitions: int = Field(default=4, ge=1, le=256)
    single_event_topics: tuple[str, ...] = ()
    """Topics with one event an envelope, in CloudEvents' binary mode where the broker has headers:
    for consumers of others that know no batches. As a JSON array; each event costs more there."""
    relay: RelayKind = "poll"
    """How the outbox comes to the broker: by polling a table, or by following the database's log
    (change data capture, which wants `wal_level = logical` and a role with REPLICATION)."""
    lane_queue_commands_max: int = Field(default=10_000, ge=1, le=1_000_000)
    batch_commands_max: int = Field(default=500, ge=1, le=10_000)
    batch_bytes_max: int = Field(default=1024 * 1024, ge=1024)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A value given in code, then the service's own variable, then the one for all services."""
        return (
            init_settings,
            EnvSettingsSource(settings_cls, env_prefix=_own_prefix(cls)),
            EnvSettingsSource(settings_cls, env_prefix=PREFIX),
        )


def load_settings(kind: type[S]) -> S:
    """The settings of one service; raises `Misconfigured` with every wrong one by its name."""
    faults = [f"{name} is unknown" for name in _unknown(kind)]
    try:
        settings = kind()
    except (ValidationError, SettingsError) as error:
        faults += _faults(kind, error)
    else:
        if not faults:
            return settings
    raise Misconfigured(f"the settings of {kind.service} cannot work: {'; '.join(faults)}")


def _faults(kind: type[ServiceSettings], error: ValidationError | SettingsError) -> list[str]:
    """Never with the value: it may hold a password."""
    if isinstance(error, SettingsError):
        return [str(error)]
    return [
        f"{_variable(kind, str(fault['loc'][0]))}: {_said(fault['type'], fault['msg'])}"
        for fault in error.errors(include_input=False, include_url=False)
    ]


def _said(fault: str, message: str) -> str:
    return "is missing" if fault == "missing" else message.removeprefix("Value error, ")


def _variable(kind: type[ServiceSettings], field: str) -> str:
    """The variable that gave the value; the service's own one where none did."""
    own, shared = f"{_own_prefix(kind)}{field}".upper(), f"{PREFIX}{field}".upper()
    return shared if shared in os.environ and own not in os.environ else own


def _unknown(kind: type[ServiceSettings]) -> list[str]:
    """Variables that carry the service's prefix and name no setting: most likely misspelt."""
    prefix = _own_prefix(kind)
    known = {f"{prefix}{field}".upper() for field in kind.model_fields}
    return sorted(
        name for name in os.environ if name.upper().startswith(prefix) and name.upper() not in known
    )


def _own_prefix(kind: type[ServiceSettings]) -> str:
    return f"{PREFIX}{kind.service.upper()}_"
