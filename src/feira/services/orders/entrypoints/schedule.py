"""What orders does by the clock."""

from typing import Final

from feira.chassis.service import Schedule
from feira.services.orders.application.remind_saga import RemindSaga

SCHEDULES: Final = (Schedule(RemindSaga(), every_seconds=10),)
WHEN_BROKER_LOST: Final = (RemindSaga(quiet_seconds=0, orders_max=50_000),)
