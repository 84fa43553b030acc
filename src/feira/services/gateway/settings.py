"""Settings of the gateway."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65_535)]
Rate = Annotated[int, Field(ge=1, le=100_000)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:\d{1,5})?$")]

UNFIT_FOR_NGINX: Final = frozenset('"\\$;{}\n\r\0')
"""What would end, or be read into, a quoted word of an NGINX configuration."""


class GatewaySettings(BaseSettings):
    """`FEIRA_GATEWAY_PORT`, `FEIRA_GATEWAY_RATE_LIMIT`, … Relative paths are below NGINX's home."""

    model_config = SettingsConfigDict(env_prefix="FEIRA_GATEWAY_", extra="ignore", frozen=True)

    host: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.:\[\]*-]+$")] = "127.0.0.1"
    port: Port = 8000
    static_dir: Path = Path("static")
    """Where `site.write_site` has put `openapi.json` and the pages of `/docs`."""
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    """With both the gateway speaks TLS, and HSTS is announced."""

    workers: int = Field(default=1, ge=1, le=64)
    connections_max: int = Field(default=8_192, ge=64, le=1_000_000)
    """A worker's, to clients and services together."""
    upstream_connections_kept: int = Field(default=128, ge=64, le=10_000)
    """A worker's idle connections to one service."""
    body_bytes_max: int = Field(default=1024 * 1024, ge=1024)
    answer_timeout_seconds: int = Field(default=30, ge=1, le=3600)

    rate_limit: bool = True
    requests_per_second: Rate = 200
    requests_burst: Rate = 400
    """Of one client address."""
    sign_ins_per_second: Rate = 50
    sign_ins_burst: Rate = 200
    """Of one client address, for what costs the hashing of a password or guesses at one."""

    cors_origins: tuple[Origin, ...] = ()
    """Origins whose pages may call the API from a browser, as a JSON array."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Load balancers before the gateway, whose X-Forwarded-For and -Proto are believed."""
    access_log_file: Path | None = None

    @model_validator(mode="after")
    def _fits_nginx(self) -> Self:
        paths = (
            self.static_dir,
            self.certificate_file,
            self.certificate_key_file,
            self.access_log_file,
        )
        if any(UNFIT_FOR_NGINX & set(str(path)) for path in paths if path):
            raise ValueError(
                "paths must hold no quotes, backslashes, dollars, semicolons or braces"
            )
        if (self.certificate_file is None) != (self.certificate_key_file is None):
            raise ValueError("certificate_file and certificate_key_file go together")
        return self

    @property
    def is_tls(self) -> bool:
        return self.certificate_file is not None
