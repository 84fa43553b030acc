"""Settings of payments. The sandbox's secrets may be given once for both: `FEIRA_SANDBOX_…`."""

import base64
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, SecretStr

from feira.chassis.settings import ServiceSettings
from feira.services.payments.domain.payment import CHECK_SECONDS_MIN

PREFIX: Final = "whsec_"


def signing_secret(secret: SecretStr) -> SecretStr:
    """A Standard Webhooks secret: `whsec_` and 24 to 64 bytes in base64."""
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return secret


class PaymentsSettings(ServiceSettings):
    service: ClassVar[str] = "payments"

    sandbox_url: str = Field(default="http://127.0.0.1:8090", pattern=r"^https?://")
    sandbox_api_key: Annotated[SecretStr, Field(min_length=16)]
    sandbox_webhook_secret: Annotated[SecretStr, AfterValidator(signing_secret)]
    provider_timeout_seconds: float = Field(default=5.0, gt=0, lt=CHECK_SECONDS_MIN)
    """After so long a call has no answer: the charge is unknown, and is asked for."""
    provider_connections_max: int = Field(default=64, ge=1, le=1_000)
    reconcile_every_seconds: float = Field(default=1.0, gt=0, le=60)
