"""What a service is given from outside: made once by the runtime, one bundle a service."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.database import Database
from feira.chassis.lane import LaneLimits
from feira.chassis.transports.port import Transport
from feira.kernel.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Parts:
    database: Database
    transport: Transport
    verifier: TokenVerifier
    clock: Clock = field(default_factory=SystemClock)
    lane_limits: LaneLimits = field(default_factory=LaneLimits)
    entropy: Callable[[int], bytes] = os.urandom
    """So many random bytes: what ids are made of, beside the clock."""
    monotonic: Callable[[], float] = monotonic
    """Seconds that never go back: by these is measured how old something is."""
