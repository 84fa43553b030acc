"""What a service is given from outside: made once by the runtime, one bundle a service."""

from dataclasses import dataclass, field

from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.lane import LaneLimits
from feira.chassis.transports.port import Transport
from feira.kernel.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Parts:
    database_url: str
    transport: Transport
    verifier: TokenVerifier
    clock: Clock = field(default_factory=SystemClock)
    lane_limits: LaneLimits = field(default_factory=LaneLimits)
