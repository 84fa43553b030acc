"""Access tokens: what is signed is verified; everything else is a 401 (RFC 8725, RFC 9068)."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from feira.chassis.auth.keys import ALGORITHM, KeyFile, load_signing_key
from feira.chassis.auth.principal import Principal
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.kernel.clock import ManualClock
from feira.kernel.errors import Category, Rejected
from feira.kernel.ids import NUMBER_MAX
from tests.things import AUDIENCE, ISSUER, START, Tokens


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def tokens(tmp_path: Path, clock: ManualClock) -> Tokens:
    return Tokens(tmp_path, clock)


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def refusal(verifier: TokenVerifier, authorization: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        verifier.authenticate(authorization)
    assert caught.value.refused.category is Category.UNAUTHENTICATED
    assert caught.value.refused.code == "invalid_token"
    return caught.value.refused.detail


def claims(**changes: Any) -> dict[str, Any]:
    now = int(START.timestamp())
    well = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "7",
        "role": "customer",
        "sid": "s-1",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "jti": "j-1",
    }
    return {name: value for name, value in (well | changes).items() if value is not None}


def forge(tokens: Tokens, payload: Any, signing_key: OKPKey | None = None, **header: Any) -> bytes:
    """A token with any payload and header, signed by our key (or another one)."""
    key = load_signing_key(tokens.private_file)
    protected = {"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"} | header
    protected = {name: value for name, value in protected.items() if value is not None}
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = b".".join((base64url(json.dumps(protected).encode()), base64url(payload)))
    signature = (signing_key or key).private_key.sign(signed)  # type: ignore[union-attr]
    return b"Bearer " + signed + b"." + base64url(signature)


def base64url(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def test_a_signed_token_names_its_principal(tokens: Tokens) -> None:
    token = tokens.signer.sign(NUMBER_MAX, "admin", "s-9", ttl_seconds=60)
    assert tokens.verifier.authenticate(bearer(token)) == Principal(
        NUMBER_MAX, "admin", "s-9", START + timedelta(seconds=60)
    )


def test_only_the_role_admin_is_an_administrator(tokens: Tokens) -> None:
    verdicts = {
        role: tokens.verifier.authenticate(bearer(tokens.of(7, role))).is_admin
        for role in ("admin", "customer", "Admin")
    }
    assert verdicts == {"admin": True, "customer": False, "Admin": False}


def test_a_token_follows_rfc_9068(tokens: Tokens) -> None:
    header, payload, _ = tokens.of(7).split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload)]
    assert read[0] == {
        "typ": "at+jwt",
        "alg": "Ed25519",
        "kid": load_signing_key(tokens.private_file).kid,
    }
    assert set(read[1]) == {"iss", "aud", "sub", "role", "sid", "iat", "nbf", "exp", "jti"}
    assert tokens.of(7) != tokens.of(7)


def test_the_forger_of_these_tests_can_write_a_good_token(tokens: Tokens) -> None:
    assert tokens.verifier.authenticate(forge(tokens, claims())).id == 7


def test_a_token_ends_at_its_time_even_when_it_is_known(tokens: Tokens, clock: ManualClock) -> None:
    token = bearer(tokens.signer.sign(7, "customer", "s-1", ttl_seconds=60))
    clock.advance(timedelta(seconds=59))
    tokens.verifier.authenticate(token)
    clock.advance(timedelta(seconds=1))
    assert refusal(tokens.verifier, token) == "The token has expired."
    assert refusal(tokens.verifier, token)


def test_an_ended_session_is_refused_even_when_its_token_is_known(tokens: Tokens) -> None:
    ended, other = bearer(tokens.of(7, session_id="a")), bearer(tokens.of(7, session_id="b"))
    tokens.verifier.authenticate(ended)
    tokens.verifier.revoked.revoke("a", START + timedelta(hours=1))
    assert refusal(tokens.verifier, ended) == "The session has ended."
    assert tokens.verifier.authenticate(other).session_id == "b"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["other", "others"]},
        {"exp": int(START.timestamp()) - 1},
        {"exp": "never"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": float("nan")},
        {"nbf": int(START.timestamp()) + 60},
        {"iat": int(START.timestamp()) + 60},
        {"sub": "0"},
        {"sub": "-1"},
        {"sub": "x"},
        {"sub": "٧"},
        {"sub": str(NUMBER_MAX + 1)},
        {"sub": "9" * 5000},
        {"sub": 7},
        {"role": 5},
        {"role": "r" * 33},
        {"sid": 5},
        *({name: None} for name in ("iss", "aud", "sub", "role", "sid", "iat", "exp", "jti")),
    ],
)
def test_claims_that_do_not_fit_are_refused(tokens: Tokens, changes: dict[str, Any]) -> None:
    refusal(tokens.verifier, forge(tokens, claims(**changes)))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"kid": None},
        {"kid": "another"},
        {"kid": 5},
        {"crit": ["exp"], "exp": 1},
    ],
)
def test_headers_that_do_not_fit_are_refused(tokens: Tokens, header: dict[str, Any]) -> None:
    refusal(tokens.verifier, forge(tokens, claims(), **header))


@pytest.mark.parametrize("payload", [b"", b"no json", b"[]", b'"x"', b"\xff", b"[" * 9999])
def test_payloads_that_are_no_claims_are_refused(tokens: Tokens, payload: bytes) -> None:
    refusal(tokens.verifier, forge(tokens, payload))


def test_a_key_that_a_token_brings_along_is_not_used(tokens: Tokens) -> None:
    mine = OKPKey.generate_key("Ed25519")
    refusal(tokens.verifier, forge(tokens, claims(), mine, jwk=mine.as_dict(private=False)))
    refusal(tokens.verifier, forge(tokens, claims(), mine))


def test_other_algorithms_are_refused(tokens: Tokens) -> None:
    """`none`, and the public key taken for an HMAC secret (RFC 8725, section 2.1)."""
    kid = load_signing_key(tokens.private_file).kid
    payload = json.dumps(claims()).encode()
    unsigned = json.dumps({"alg": "none", "typ": "at+jwt", "kid": kid}).encode()
    refusal(tokens.verifier, b"Bearer " + base64url(unsigned) + b"." + base64url(payload) + b".")
    secret = OctKey.import_key(tokens.public_file.read_bytes())
    header = {"alg": "HS256", "typ": "at+jwt", "kid": kid}
    refusal(tokens.verifier, bearer(jws.serialize_compact(header, payload, secret)))


def test_a_changed_token_is_refused(tokens: Tokens) -> None:
    header, payload, signature = tokens.of(7).split(".")
    forged = json.loads(base64.urlsafe_b64decode(payload + "==")) | {"role": "admin"}
    changed = base64url(json.dumps(forged).encode()).decode()
    refusal(tokens.verifier, bearer(f"{header}.{changed}.{signature}"))


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic YTpi",
        b"Bearer a b",
        b"\xff\xfe",
        b"Bearer " + b"x" * 9999,
    ],
)
def test_what_is_no_bearer_token_is_refused(tokens: Tokens, authorization: bytes) -> None:
    refusal(tokens.verifier, authorization)


def test_the_scheme_is_read_in_any_case(tokens: Tokens) -> None:
    assert tokens.verifier.authenticate(b"bearer  " + tokens.of(7).encode()).id == 7


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(kept: Callable[[], Tokens], authorization: bytes) -> None:
    for sent in (authorization, b"Bearer " + authorization, b"Bearer e30.e30." + authorization):
        refusal(kept().verifier, sent)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Tokens]:
    made = Tokens(tmp_path_factory.mktemp("keys"))
    return lambda: made


class Watched(TokenVerifier):
    """Counts the signatures it has to check."""

    checked = 0

    def _verify(self, *arguments: Any) -> Principal:
        self.checked += 1
        return super()._verify(*arguments)


def watched(tokens: Tokens, clock: ManualClock, tokens_cached_max: int) -> Watched:
    keys = KeyFile(tokens.public_file)
    return Watched(keys, ISSUER, AUDIENCE, clock, tokens_cached_max=tokens_cached_max)


def test_a_known_token_is_not_verified_again(tokens: Tokens, clock: ManualClock) -> None:
    verifier = watched(tokens, clock, 10)
    token = bearer(tokens.of(7))
    assert {verifier.authenticate(token) for _ in range(5)} == {verifier.authenticate(token)}
    assert verifier.checked == 1


def test_the_token_not_used_for_longest_is_forgotten_first(
    tokens: Tokens, clock: ManualClock
) -> None:
    verifier = watched(tokens, clock, tokens_cached_max=2)
    a, b, c = (bearer(tokens.of(number)) for number in (1, 2, 3))
    for token in (a, b, a, c, a):  # b makes room for c
        verifier.authenticate(token)
    assert verifier.checked == 3
    verifier.authenticate(b)
    assert verifier.checked == 4


def test_refused_tokens_take_no_room(tokens: Tokens, clock: ManualClock) -> None:
    verifier = watched(tokens, clock, tokens_cached_max=1)
    good = bearer(tokens.of(7))
    verifier.authenticate(good)
    for number in range(20):
        refusal(verifier, bearer(f"x.y.{number}"))
    verifier.authenticate(good)
    assert verifier.checked == 21


def test_new_keys_forget_what_the_old_ones_signed(
    tokens: Tokens, clock: ManualClock, tmp_path: Path
) -> None:
    token = bearer(tokens.of(7))
    tokens.verifier.authenticate(token)
    other = Tokens(tmp_path / "other", clock)
    tokens.public_file.write_bytes(other.public_file.read_bytes())
    clock.advance(timedelta(seconds=2))
    refusal(tokens.verifier, token)
    assert tokens.verifier.authenticate(bearer(other.of(7))).id == 7


def test_another_issuers_signer_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    signer = TokenSigner(load_signing_key(tokens.private_file), "other", AUDIENCE, clock)
    refusal(tokens.verifier, bearer(signer.sign(7, "customer", "s-1")))
