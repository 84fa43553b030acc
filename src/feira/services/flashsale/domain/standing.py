"""How a drop stands: what the crowd is told, and whether a claim could still get anything."""

from dataclasses import dataclass
from datetime import datetime

from feira.services.flashsale.domain.drop import DropStatus
from feira.services.flashsale.domain.waiting_room import Pace


@dataclass(frozen=True, slots=True)
class Standing:
    """A drop's figures at one moment; `version` grows with each change of them."""

    drop_id: int
    campaign_id: int
    product_id: int
    price_cents: int
    status: DropStatus
    starts_at: datetime
    ends_at: datetime
    version: int
    units: int
    left: int
    held: int
    sold: int
    waiting: int
    served: int
    queue_max: int
    admission: bool
    pace: Pace
    challenge_bits: int

    @property
    def is_open(self) -> bool:
        return self.status is DropStatus.OPEN


def is_sold_out(standing: Standing) -> bool:
    """Whether a new claim can get neither a unit nor a number in the queue.

    The same rule as `drop.claim`: a unit that is held may come free, and then belongs to the queue
    first; so while the queue has room nobody is told that it is over, and once it has none, a unit
    that comes free makes room in it (never a false "sold out").
    """
    if not standing.is_open or standing.left > 0:
        return False
    return standing.held == 0 or standing.waiting >= standing.queue_max
