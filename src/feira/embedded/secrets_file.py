"""Passwords of the embedded parts, made once and kept in one file that only its owner reads."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feira.embedded.errors import DataDirUnusable

SECRET_BYTES = 24


class SecretsFile:
    """A JSON object of names and generated secrets, mode 0600, safe to share between processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> str:
        """The secret of that name: URL-safe, 192 random bits, generated when first asked for."""
        known = self._read()
        if name in known:
            return known[name]
        with self._exclusive():
            known = self._read()
            secret = known.setdefault(name, secrets.token_urlsafe(SECRET_BYTES))
            self._replace(known)
            return secret

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (PermissionError, ValueError) as error:
            raise DataDirUnusable(f"{self._path} cannot be read: {error}.") from error
        return {str(name): str(secret) for name, secret in content.items()}

    def _replace(self, content: dict[str, str]) -> None:
        """Rename over the old file once the new one is on disk: a crash leaves either, whole."""
        new = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(descriptor)
        new.replace(self._path)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        guard = self._path.with_name(f"{self._path.name}.lock")
        descriptor = os.open(guard, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
