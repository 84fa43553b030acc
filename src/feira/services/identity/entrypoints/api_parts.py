"""What the routes of identity are made of."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from feira.chassis.auth.revocations import RevokedSessions
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import KeySource
from feira.chassis.lane import Lane
from feira.kernel.clock import Clock
from feira.services.identity.application.ports import IdentityQueries, PasswordHasher
from feira.services.identity.domain.session import Session, tokens_dead_at
from feira.services.identity.entrypoints.address_limits import AddressLimits
from feira.services.identity.entrypoints.sealing import Sealer


@dataclass(frozen=True, slots=True)
class ApiParts:
    lane: Lane[Any]
    queries: IdentityQueries
    hasher: PasswordHasher
    guessable_passwords: Container[str]
    signer: TokenSigner
    keys: KeySource
    revoked: RevokedSessions
    address_limits: AddressLimits
    sealer: Sealer
    clock: Clock

    def revoke(self, session: Session) -> None:
        """Refuse the access tokens of an ended session in this process, before the news is out."""
        self.revoked.revoke(session.id, tokens_dead_at(session))
