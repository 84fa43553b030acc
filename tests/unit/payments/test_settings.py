"""What the service is told at its start, and what stops it."""

import base64
from pathlib import Path

import pytest

from feira.chassis.settings import load_settings
from feira.kernel.errors import Misconfigured
from feira.services.payments.settings import PaymentsSettings

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
GOOD = {
    "FEIRA_PAYMENTS_DATABASE_URL": "postgresql://payments@/payments",
    "FEIRA_JWKS_FILE": "jwks.json",
    "FEIRA_PAYMENTS_SANDBOX_API_KEY": "a-key-of-the-sandbox",
    "FEIRA_PAYMENTS_SANDBOX_WEBHOOK_SECRET": SECRET,
}


def given(monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    for name, value in (GOOD | changed).items():
        monkeypatch.setenv(name, value)


def test_the_defaults_work(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    settings = load_settings(PaymentsSettings)
    assert settings.provider_timeout_seconds == 5
    assert settings.jwks_file == Path("jwks.json")
    assert "a-key" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX_API_KEY", "short"),
        ("SANDBOX_WEBHOOK_SECRET", "whsec_short"),
        ("SANDBOX_WEBHOOK_SECRET", "x" * 60),
        ("SANDBOX_WEBHOOK_SECRET", "whsec_" + "!" * 41),
        ("SANDBOX_URL", "ftp://127.0.0.1"),
        ("PROVIDER_TIMEOUT_SECONDS", "10"),
        ("PROVIDER_TIMEOUT_SECONDS", "0"),
    ],
)
def test_what_cannot_work_stops_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    given(monkeypatch, **{f"FEIRA_PAYMENTS_{name}": value})
    with pytest.raises(Misconfigured, match=name):
        load_settings(PaymentsSettings)
