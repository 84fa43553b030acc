"""Settings of identity."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from feira.chassis.settings import ServiceSettings


class IdentitySettings(ServiceSettings):
    service: ClassVar[str] = "identity"

    signing_key_file: Path
    """The private JWK that access tokens are signed with; its public half is in `jwks_file`."""
    hash_threads: int = Field(default=2, ge=1, le=64)
    hashes_queued_max: int = Field(default=1_000, ge=1, le=100_000)
    address_failures_max: int = Field(default=300, ge=1, le=1_000_000)
    """Wrong passwords from one client address at once; one a second is forgiven."""
