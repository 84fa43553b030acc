"""Settings of the orchestrator."""

from typing import ClassVar

from pydantic import Field

from feira.chassis.settings import ServiceSettings


class OrchestratorSettings(ServiceSettings):
    service: ClassVar[str] = "orchestrator"

    hold_seconds: int = Field(default=900, ge=1, le=86_400)
    """How long stock is held for a customer to pay."""
