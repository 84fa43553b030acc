"""What can be set about flash sales: `FEIRA_FLASHSALE_…`."""

from typing import ClassVar

from pydantic import Field

from feira.chassis.settings import ServiceSettings


class FlashsaleSettings(ServiceSettings):
    service: ClassVar[str] = "flashsale"

    pay_seconds: int = Field(default=300, ge=1, le=86_400)
    """How long a unit is held for its payment, where a campaign does not say (B6)."""
    prepare_seconds: int = Field(default=120, ge=0, le=86_400)
    """How long before a drop opens its stock is set aside."""
    clock_seconds_max: float = Field(default=1.0, gt=0, le=60)
    """The longest time between two looks at what is due."""
