"""Settings: complete and right, or one message that names each wrong one."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from feira.chassis.settings import ServiceSettings, load_settings
from feira.kernel.errors import Misconfigured


class ThingsSettings(ServiceSettings):
    service: ClassVar[str] = "things"

    hold_seconds: int = Field(default=900, ge=1)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("FEIRA_THINGS_DATABASE_URL", "postgresql://things@127.0.0.1/things")
    monkeypatch.setenv("FEIRA_JWKS_FILE", "/keys/jwks.json")
    return monkeypatch


def complaint() -> str:
    with pytest.raises(Misconfigured) as caught:
        load_settings(ThingsSettings)
    return str(caught.value)


def test_what_is_not_said_has_a_default(env: pytest.MonkeyPatch) -> None:
    settings = load_settings(ThingsSettings)
    assert settings.database_url == "postgresql://things@127.0.0.1/things"
    assert settings.jwks_file == Path("/keys/jwks.json")
    assert settings.hold_seconds == 900


def test_a_services_own_variable_wins_over_the_one_for_all(env: pytest.MonkeyPatch) -> None:
    env.setenv("FEIRA_PARTITIONS", "8")
    assert load_settings(ThingsSettings).partitions == 8
    env.setenv("FEIRA_THINGS_PARTITIONS", "2")
    assert load_settings(ThingsSettings).partitions == 2


def test_every_fault_is_named_in_one_message(env: pytest.MonkeyPatch) -> None:
    env.delenv("FEIRA_JWKS_FILE")
    env.setenv("FEIRA_THINGS_HOLD_SECONDS", "0")
    env.setenv("FEIRA_PARTITIONS", "many")
    env.setenv("FEIRA_THINGS_HOLD_SECOND", "60")
    said = complaint()
    for part in (
        "FEIRA_THINGS_JWKS_FILE: is missing",
        "FEIRA_THINGS_HOLD_SECONDS: Input should be greater than or equal to 1",
        "FEIRA_PARTITIONS: Input should be a valid integer",
        "FEIRA_THINGS_HOLD_SECOND is unknown",
    ):
        assert part in said


def test_a_misspelt_setting_alone_stops_the_start(env: pytest.MonkeyPatch) -> None:
    env.setenv("FEIRA_THINGS_LISTEM", "127.0.0.1:1")
    assert "FEIRA_THINGS_LISTEM is unknown" in complaint()


def test_other_services_settings_are_their_own_business(env: pytest.MonkeyPatch) -> None:
    env.setenv("FEIRA_OTHERS_ANYTHING", "x")
    load_settings(ThingsSettings)


def test_passwords_are_never_repeated(env: pytest.MonkeyPatch) -> None:
    env.setenv("FEIRA_THINGS_DATABASE_URL", "mysql://things:s3cr3t@127.0.0.1/things")
    said = complaint()
    assert "FEIRA_THINGS_DATABASE_URL" in said
    assert "s3cr3t" not in said
    env.setenv("FEIRA_THINGS_DATABASE_URL", "postgresql://things:s3cr3t@127.0.0.1/things")
    assert "s3cr3t" not in repr(load_settings(ThingsSettings))


def test_settings_do_not_change_while_running(env: pytest.MonkeyPatch) -> None:
    settings = load_settings(ThingsSettings)
    with pytest.raises(ValueError, match="frozen"):
        settings.partitions = 5  # type: ignore[misc]
