"""What the catalog does by the clock, and when the broker has lost its data."""

from typing import Final

from feira.chassis.service import Schedule
from feira.services.catalog.application.announce_products import (
    AnnounceProducts,
    ContinueAnnouncement,
)
from feira.services.catalog.settings import CatalogSettings

WHEN_BROKER_LOST: Final = (AnnounceProducts(),)


def schedules(settings: CatalogSettings) -> list[Schedule]:
    announce = ContinueAnnouncement(settings.products_an_announcement_max)
    return [Schedule(announce, settings.announcement_seconds)]
