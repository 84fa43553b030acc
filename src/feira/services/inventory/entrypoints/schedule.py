"""What inventory does by the clock, and when the broker has lost its data."""

from typing import Final

from feira.chassis.service import Schedule
from feira.services.inventory.application.announce_levels import (
    AnnounceLevels,
    ContinueAnnouncement,
)
from feira.services.inventory.application.expire_reservations import ExpireReservations
from feira.services.inventory.settings import InventorySettings

WHEN_BROKER_LOST: Final = (AnnounceLevels(),)


def schedules(settings: InventorySettings) -> list[Schedule]:
    expire = ExpireReservations(settings.expiries_a_sweep_max)
    announce = ContinueAnnouncement(settings.levels_a_sweep_max)
    return [Schedule(command, settings.sweep_seconds) for command in (expire, announce)]
