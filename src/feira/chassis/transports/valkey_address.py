"""Where a Valkey server is: `valkey://user:password@host:6379/0`, `valkeys://...`, `unix:///path`."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote

VALKEY_SCHEMES: Final = ("valkey", "valkeys", "unix")
ADDRESS_OPTIONS: Final = frozenset({"db", "tls_ca_file", "tls_cert_file", "tls_key_file"})
_PORT: Final = 6379


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeyAddress:
    """A TCP host and port, or the path of a Unix socket; and who we say we are."""

    host: str = "localhost"
    port: int = _PORT
    socket_path: str | None = None
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None

    def greeting(self, name: str) -> list[tuple[str | int, ...]]:
        """The first commands on a connection; it then shows as `name` in `CLIENT LIST`."""
        commands: list[tuple[str | int, ...]] = []
        if self.password:
            commands.append(("AUTH", self.username or "default", self.password))
        if self.database:
            commands.append(("SELECT", self.database))
        return [*commands, ("CLIENT", "SETNAME", name)]


def read_address(parts: SplitResult, options: Mapping[str, str]) -> ValkeyAddress:
    """The address in a URL; `options` are those of its query that are in `ADDRESS_OPTIONS`.

    Raises `ValueError` (a port or database that is no number) or `OSError` (an unreadable file).
    """
    is_unix = parts.scheme == "unix"
    database = options.get("db", "" if is_unix else parts.path.strip("/"))
    return ValkeyAddress(
        host=parts.hostname or "localhost",
        port=parts.port or _PORT,
        socket_path=unquote(parts.path) if is_unix else None,
        database=int(database or 0),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=_tls_context(options) if parts.scheme == "valkeys" else None,
    )


def _tls_context(options: Mapping[str, str]) -> ssl.SSLContext:
    """The server's certificate and host name are checked; ours is shown when we have one."""
    context = ssl.create_default_context(cafile=options.get("tls_ca_file"))
    if "tls_cert_file" in options:
        context.load_cert_chain(options["tls_cert_file"], options.get("tls_key_file"))
    return context
