"""Who may claim at all: asked before a claim reaches the lane."""

from datetime import datetime
from typing import Protocol

from feira.chassis.http.request import HotRequest
from feira.kernel.errors import Refused


class Admission(Protocol):
    def check(self, request: HotRequest, sale_id: int, now: datetime) -> Refused | None:
        """Why the caller may not claim now, from memory alone; None: let it through."""
        ...


class EverybodyMayClaim:
    """No waiting room."""

    def check(self, request: HotRequest, sale_id: int, now: datetime) -> Refused | None:
        return None
