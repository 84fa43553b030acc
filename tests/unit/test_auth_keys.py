"""Keys in files: made once, private to their owner, read again when they change."""

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.kernel.errors import Misconfigured
from tests.things import START


@pytest.fixture
def private_file(tmp_path: Path) -> Path:
    return tmp_path / "secret" / "signing-key.json"


@pytest.fixture
def public_file(tmp_path: Path) -> Path:
    return tmp_path / "jwks.json"


def kids(keys: KeyFile, after_seconds: float = 0) -> list[str | None]:
    return [key.kid for key in keys.current(START + timedelta(seconds=after_seconds)).keys]


def test_a_new_private_key_can_be_read_by_nobody_else(
    private_file: Path, public_file: Path
) -> None:
    before = os.umask(0)
    try:
        generate_signing_key(private_file, public_file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(private_file.stat().st_mode) == 0o600


def test_the_public_set_holds_no_secret(private_file: Path, public_file: Path) -> None:
    generate_signing_key(private_file, public_file)
    (key,) = json.loads(public_file.read_text())["keys"]
    assert key["kid"] == load_signing_key(private_file).kid
    assert (key["kty"], key["crv"], key["use"]) == ("OKP", "Ed25519", "sig")
    assert "d" not in key


def test_a_second_start_keeps_the_key(private_file: Path, public_file: Path) -> None:
    generate_signing_key(private_file, public_file)
    first = private_file.read_bytes()
    public_file.unlink()
    generate_signing_key(private_file, public_file)
    assert private_file.read_bytes() == first
    assert kids(KeyFile(public_file)) == [load_signing_key(private_file).kid]
    assert sorted(path.name for path in private_file.parent.iterdir()) == [private_file.name]


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", "{}", "no json", '{"kty": "oct", "k": "AAAA"}', "\xff", "[" * 70_000],
)
def test_a_private_key_that_cannot_work_stops_the_start(
    private_file: Path, text: str | None
) -> None:
    if text is not None:
        private_file.parent.mkdir()
        private_file.write_text(text, encoding="latin-1")
    with pytest.raises(Misconfigured):
        load_signing_key(private_file)


def test_a_public_key_does_not_sign(private_file: Path, public_file: Path) -> None:
    generate_signing_key(private_file, public_file)
    (public,) = json.loads(public_file.read_text())["keys"]
    private_file.write_text(json.dumps(public))
    with pytest.raises(Misconfigured):
        load_signing_key(private_file)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{}",
        '{"keys": 5}',
        '{"keys": []}',
        '{"keys": [5]}',
        '{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AA"}]}',
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "é"}]}',
    ],
)
def test_a_key_set_that_cannot_work_stops_the_start(public_file: Path, text: str | None) -> None:
    if text is not None:
        public_file.write_text(text)
    with pytest.raises(Misconfigured):
        KeyFile(public_file)


def test_a_private_key_never_passes_for_a_public_one(private_file: Path, public_file: Path) -> None:
    generate_signing_key(private_file, public_file)
    public_file.write_text(json.dumps({"keys": [json.loads(private_file.read_text())]}))
    with pytest.raises(Misconfigured):
        KeyFile(public_file)


def test_changed_keys_are_seen_within_a_second(
    tmp_path: Path, private_file: Path, public_file: Path
) -> None:
    generate_signing_key(private_file, public_file)
    keys = KeyFile(public_file)
    (old,) = kids(keys)
    generate_signing_key(tmp_path / "new.json", public_file)
    assert kids(keys, after_seconds=0.9) == [old]  # no look at the file within the second
    (new,) = kids(keys, after_seconds=1)
    assert new != old
    assert keys.version == 2


def test_a_file_gone_bad_leaves_the_last_good_keys(private_file: Path, public_file: Path) -> None:
    generate_signing_key(private_file, public_file)
    keys = KeyFile(public_file)
    known = kids(keys)
    public_file.write_text("half a fi")
    assert kids(keys, after_seconds=2) == known
    public_file.unlink()
    assert kids(keys, after_seconds=4) == known
    assert keys.version == 1
