"""What can be set about inventory: `FEIRA_INVENTORY_…`."""

from typing import ClassVar

from pydantic import Field

from feira.chassis.settings import ServiceSettings


class InventorySettings(ServiceSettings):
    service: ClassVar[str] = "inventory"

    sweep_seconds: float = Field(default=2.0, gt=0, le=60)
    """Between two sweeps for holds that have ended, and two pages of an announcement."""
    expiries_a_sweep_max: int = Field(default=1000, ge=1, le=10_000)
    levels_seconds: float = Field(default=0.25, gt=0, le=60)
    """Between two tellings of the levels that have changed."""
    levels_a_sweep_max: int = Field(default=2000, ge=1, le=10_000)
    """Of one page of an announcement, and of one telling."""
