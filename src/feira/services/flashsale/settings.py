"""What can be set about flash sales: `FEIRA_FLASHSALE_…`."""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from feira.chassis.settings import ServiceSettings


class FlashsaleSettings(ServiceSettings):
    service: ClassVar[str] = "flashsale"

    batch_commands_max: int = Field(default=2_000, ge=1, le=10_000)
    """A crowd comes at once, and is decided on in memory."""
    pay_seconds: int = Field(default=300, ge=1, le=86_400)
    """How long a unit is held for its payment, where a campaign does not say (B6)."""
    prepare_seconds: int = Field(default=120, ge=0, le=86_400)
    """How long before a drop opens its stock is set aside."""
    ticket_key: Annotated[SecretStr, Field(min_length=32)]
    """Signs admission tickets and challenges: the same in every process."""
    ticket_seconds: int = Field(default=900, ge=30, le=86_400)
    """How long a ticket is good for, from its turn on."""
    account_claims_per_second: float = Field(default=1.0, gt=0, le=100_000)
    account_claims_at_once: int = Field(default=10, ge=1, le=100_000)
    address_claims_per_second: float = Field(default=50.0, gt=0, le=1_000_000)
    address_claims_at_once: int = Field(default=200, ge=1, le=1_000_000)
    """Of one client address (an IPv6 network of 64 bits): many may share one."""
    streams_max: int = Field(default=2_000, ge=1, le=100_000)
    """Event streams of a process."""
    streams_an_address_max: int = Field(default=100, ge=1, le=100_000)
    counts_saved_seconds: float = Field(default=2.0, gt=0, le=60)
    clock_seconds_max: float = Field(default=1.0, gt=0, le=60)
    """The longest time between two looks at what is due."""
