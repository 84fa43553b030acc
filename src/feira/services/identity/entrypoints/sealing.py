"""Keyed fingerprints for requests that hold passwords.

An `Idempotency-Key` is stored with a fingerprint of its request. A plain hash of a body that holds
a password would let a thief of the database try passwords at a hash's speed; one made with a key
that is not in the database tells nothing.
"""

from hashlib import blake2b
from typing import Final

from joserfc.jwk import OKPKey

from feira.chassis.work import IdempotencyKey

_PURPOSE: Final = b"feira seal"


class Sealer:
    def __init__(self, secret: bytes) -> None:
        self._secret = blake2b(secret, person=_PURPOSE).digest()

    @classmethod
    def with_key(cls, signing_key: OKPKey) -> "Sealer":
        """The secret is derived from the private key that signs access tokens."""
        return cls(signing_key.as_der(private=True))

    def seal(self, key: IdempotencyKey | None) -> IdempotencyKey | None:
        if key is None:
            return None
        size_bytes = len(key.fingerprint)
        sealed = blake2b(key.fingerprint, key=self._secret, digest_size=size_bytes).digest()
        return IdempotencyKey(key.caller, key.key, sealed)
