"""Ed25519 keys (RFC 8037): made once, kept in files, published as a JWK set (RFC 7517)."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from feira.kernel.errors import Misconfigured

ALGORITHM: Final = "Ed25519"  # RFC 9864's full name of what RFC 8037 calls EdDSA
CHECK_EVERY: Final = timedelta(seconds=1)
KEY_FILE_SIZE_BYTES_MAX: Final = 64 * 1024

_log = structlog.get_logger(__name__)


def generate_signing_key(private_file: Path, public_file: Path) -> None:
    """Make a key pair: the private JWK (mode 0600), then the public JWK set beside it.

    An existing private key is kept, and its public set written again.
    """
    key = load_signing_key(private_file) if private_file.exists() else _new_key(private_file)
    key_set = {"keys": [key.as_dict(private=False)]}
    _write(public_file, json.dumps(key_set), mode=0o644)


def load_signing_key(private_file: Path) -> OKPKey:
    """The private key of a JWK file; raises `Misconfigured`."""
    try:
        key = OKPKey.import_key(json.loads(_read(private_file)))
    except (OSError, ValueError, JoseError) as error:
        raise Misconfigured(f"{private_file} is not a readable private JWK") from error
    if not key.is_private or key.curve_name != "Ed25519" or not key.kid:
        raise Misconfigured(f"{private_file} is not a private Ed25519 JWK with a kid")
    return key


class KeyFile:
    """A JWK set in a file, read again when the file changes (looked at once a second at most)."""

    def __init__(self, path: Path) -> None:
        """Raises `Misconfigured` when there is no readable set."""
        self._path = path
        self._check_at: datetime | None = None
        self.version = 1
        try:
            self._stamp = self._now_stamp()
            self._keys = _key_set(_read(path))
        except (OSError, ValueError, JoseError) as error:
            raise Misconfigured(f"{path} is not a readable JWK set") from error

    def current(self, now: datetime) -> KeySet:
        """The keys; `version` rises when they change. A file gone bad leaves the last good ones."""
        if self._check_at is None or now >= self._check_at:
            self._check_at = now + CHECK_EVERY
            self._reload_if_changed()
        return self._keys

    def _reload_if_changed(self) -> None:
        try:
            stamp = self._now_stamp()
            if stamp == self._stamp:
                return
            self._keys = _key_set(_read(self._path))
        except (OSError, ValueError, JoseError) as error:
            _log.warning("key_file_unreadable", path=str(self._path), reason=str(error))
            return
        self._stamp = stamp
        self.version += 1

    def _now_stamp(self) -> tuple[int, int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _key_set(text: str) -> KeySet:
    match json.loads(text):
        case {"keys": [_, *_] as keys} if all(_is_public_jwk(key) for key in keys):
            return KeySet.import_key_set({"keys": keys})
        case _:
            raise ValueError("a set of public Ed25519 keys with their kid belongs here")


def _is_public_jwk(key: Any) -> bool:
    match key:
        case {"kty": "OKP", "crv": "Ed25519", "kid": str(), "x": str()}:
            return "d" not in key
        case _:
            return False


def _new_key(private_file: Path) -> OKPKey:
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    _write(private_file, json.dumps(key.as_dict(private=True)), mode=0o600)
    return key


def _read(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        text = file.read(KEY_FILE_SIZE_BYTES_MAX + 1)
    if len(text) > KEY_FILE_SIZE_BYTES_MAX:
        raise ValueError(f"it exceeds {KEY_FILE_SIZE_BYTES_MAX} bytes")
    return text


def _write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and never readable by more people than `mode` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:  # noqa: PTH123 - a mode from the first byte
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
