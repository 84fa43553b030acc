"""What the orchestrator does by the clock."""

from typing import Final

from feira.chassis.service import Schedule
from feira.services.orchestrator.application.sweep_purchases import AskAllAgain, SweepPurchases

SCHEDULES: Final = (Schedule(SweepPurchases(), every_seconds=2),)
WHEN_BROKER_LOST: Final = (AskAllAgain(),)
METRICS_EVERY_SECONDS: Final = 10.0
