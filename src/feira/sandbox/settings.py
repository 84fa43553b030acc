"""The simulated provider's settings, from the environment (`FEIRA_SANDBOX_*`).

A setting that can't work stops the process at its start.
"""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from standardwebhooks import Webhook

HOST: Final = "127.0.0.1"  # the ledger and the control page are open: loopback only

Seconds = Annotated[float, Field(ge=0, le=3_600)]


def signing_secret(secret: SecretStr) -> SecretStr:
    """A Standard Webhooks secret: `whsec_` and at least 24 bytes in base64."""
    text = secret.get_secret_value()
    if not text.startswith("whsec_") or len(text) < len("whsec_") + 32:
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    Webhook(text)
    return secret


class SandboxSettings(BaseSettings):
    """Times are in seconds. Without `webhook_url` no webhooks are made."""

    model_config = SettingsConfigDict(env_prefix="FEIRA_SANDBOX_", extra="ignore", frozen=True)

    port: Annotated[int, Field(ge=0, le=65_535)] = 8090
    data_dir: Path = Path(".feira/sandbox")
    api_key: Annotated[SecretStr, Field(min_length=16)]
    webhook_url: HttpUrl | None = None
    webhook_secret: Annotated[SecretStr, AfterValidator(signing_secret)] | None = None

    slow_seconds: Seconds = 3.0
    """How late `tok_slow` is decided."""
    hang_seconds: Seconds = 30.0
    """How long `tok_timeout` keeps its caller waiting at most."""
    timeout_webhook_delay_seconds: Seconds = 20.0
    """How long `tok_timeout`'s webhook is held back."""

    webhook_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    webhook_retry_delays_seconds: tuple[Seconds, ...] = (0.2, 0.5, 1, 2, 5, 10, 30, 60)
    """The wait before each retry; after the last one the webhook is given up."""
    webhook_deliveries_max: Annotated[int, Field(ge=1, le=64)] = 4
    """Deliveries under way at once; all others wait in the books."""

    body_bytes_max: Annotated[int, Field(ge=1_024)] = 1_048_576
    waiting_writes_max: Annotated[int, Field(ge=1)] = 2_000
    connections_max: Annotated[int, Field(ge=1)] = 2_000

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_secret is required with webhook_url")
        return self
