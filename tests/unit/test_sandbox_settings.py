"""Settings that can't work stop the sandbox at its start; controls change only what is named."""

import base64
from typing import Any

import pytest
from msgspec import ValidationError as WireError
from msgspec import json
from pydantic import ValidationError

from feira.sandbox.controls import ControlChange, Controls
from feira.sandbox.settings import SandboxSettings
from feira.sandbox.wire import json_pointer

API_KEY = "sandbox-key-0123456789"
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SandboxSettings.model_fields:
        monkeypatch.delenv(f"FEIRA_SANDBOX_{name.upper()}", raising=False)


def settings(**values: Any) -> SandboxSettings:
    return SandboxSettings.model_validate({"api_key": API_KEY} | values)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEIRA_SANDBOX_API_KEY", API_KEY)
    monkeypatch.setenv("FEIRA_SANDBOX_WEBHOOK_RETRY_DELAYS_SECONDS", "[0.1, 3]")
    read = SandboxSettings()
    assert read.api_key.get_secret_value() == API_KEY
    assert read.webhook_retry_delays_seconds == (0.1, 3.0)
    assert API_KEY not in repr(read)


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": "short"},
        {"port": 70_000},
        {"slow_seconds": -1},
        {"webhook_url": "not a url", "webhook_secret": SECRET},
        {"webhook_url": "http://127.0.0.1:1/hooks"},
        {"webhook_url": "http://127.0.0.1:1/hooks", "webhook_secret": "whsec_short"},
        {"webhook_secret": SECRET.removeprefix("whsec_")},
        {"webhook_deliveries_max": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_an_api_key_is_required() -> None:
    with pytest.raises(ValidationError, match="api_key"):
        SandboxSettings()


def test_a_control_change_leaves_the_others_alone() -> None:
    controls = Controls(latency_ms=50)
    controls.change(json.decode(b'{"webhooks_paused": true}', type=ControlChange))
    assert controls == Controls(latency_ms=50, webhooks_paused=True)


@pytest.mark.parametrize("wrong", [b'{"latency_ms": -1}', b'{"latencyms": 1}', b"[]"])
def test_a_control_that_does_not_exist_is_refused(wrong: bytes) -> None:
    with pytest.raises(WireError):
        json.decode(wrong, type=ControlChange)


def test_ordered_failures_are_used_up() -> None:
    controls = Controls(fail_next_requests=2)
    assert [controls.take_failure() for _ in range(3)] == [True, True, False]


def test_a_wrong_fields_path_becomes_a_json_pointer() -> None:
    assert json_pointer(".charges[3].amount_cents") == "/charges/3/amount_cents"
    assert json_pointer("") == ""
