"""Settings of the catalog."""

from typing import ClassVar

from pydantic import Field

from feira.chassis.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    service: ClassVar[str] = "catalog"

    announcement_seconds: float = Field(default=1.0, ge=0.05, le=60)
    """How often the next page is told while all products are announced anew."""
    products_an_announcement_max: int = Field(default=500, ge=1, le=5_000)
