"""What is stored with an Idempotency-Key must not help to guess the password of its request."""

from hashlib import blake2b

from feira.chassis.work import IdempotencyKey
from feira.services.identity.entrypoints.sealing import Sealer


def key(body: bytes, name: str = "k") -> IdempotencyKey:
    return IdempotencyKey("anonymous:192.0.2.7", name, blake2b(body, digest_size=16).digest())


def test_equal_requests_have_equal_fingerprints_and_others_do_not() -> None:
    sealer = Sealer(b"a secret")
    assert sealer.seal(key(b"body")) == sealer.seal(key(b"body"))
    assert sealer.seal(key(b"body")) != sealer.seal(key(b"other"))


def test_without_the_secret_a_fingerprint_cannot_be_made() -> None:
    sealed = Sealer(b"a secret").seal(key(b"body"))
    assert sealed is not None
    assert sealed.fingerprint not in {key(b"body").fingerprint, blake2b(b"body").digest()}
    assert sealed != Sealer(b"another secret").seal(key(b"body"))


def test_caller_and_key_stay() -> None:
    sealed = Sealer(b"a secret").seal(key(b"body", "order-1"))
    assert sealed is not None
    assert (sealed.caller, sealed.key) == ("anonymous:192.0.2.7", "order-1")
    assert len(sealed.fingerprint) == 16


def test_a_request_without_a_key_stays_without() -> None:
    assert Sealer(b"a secret").seal(None) is None
