"""What identity does by the clock."""

from typing import Final

from feira.chassis.auth.revocations import REVOKED_SESSIONS_MAX
from feira.chassis.service import Schedule
from feira.services.identity.application.forget_expired import ForgetExpired
from feira.services.identity.application.repeat_revocations import RepeatRevocations

SCHEDULES: Final = (
    Schedule(RepeatRevocations(), every_seconds=30),
    Schedule(ForgetExpired(), every_seconds=300),
)
WHEN_BROKER_LOST: Final = (RepeatRevocations(sessions_max=REVOKED_SESSIONS_MAX),)
