"""Refresh tokens: random, known to the client alone; only their hash is kept."""

import secrets
from hashlib import sha256
from typing import Final

TOKEN_BYTES: Final = 32


def new_refresh_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(refresh_token: str) -> bytes:
    """256 random bits need no slow hash."""
    return sha256(refresh_token.encode()).digest()
