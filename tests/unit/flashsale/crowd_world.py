"""The crowd's side of the service over a drop that a test moves as it likes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from feira.kernel.errors import Unavailable
from feira.services.flashsale.application.crowd_ports import Holder
from feira.services.flashsale.domain.report import CrowdCount, ReportedClaim
from feira.services.flashsale.domain.standing import Standing


@dataclass
class KnownDrops:
    """The database, as the crowd reads it; `reads` and `refused` count how often (in vain)."""

    drops: list[Standing] = field(default_factory=list)
    claims_of: dict[int, list[int]] = field(default_factory=dict)
    """The customers with claims, in the order of their `seq`, by drop."""
    is_away: bool = False
    reads: int = 0
    refused: int = 0

    async def standings(self, soon: datetime) -> Sequence[Standing]:
        self._read()
        return [drop for drop in self.drops if drop.starts_at < soon]

    async def standing(self, drop_id: int) -> Standing | None:
        self._read()
        return next((drop for drop in self.drops if drop.drop_id == drop_id), None)

    async def holders(self, seen: Mapping[int, int], holders_max: int) -> Sequence[Holder]:
        self._read()
        return [
            Holder(drop_id, seq, customer_id)
            for drop_id, last in seen.items()
            for seq, customer_id in enumerate(self.claims_of.get(drop_id, ()), start=1)
            if last < seq <= last + holders_max
        ]

    async def reported_claims(self, drop_id: int) -> Sequence[ReportedClaim]:
        return []

    async def counts(self, drop_id: int) -> Sequence[CrowdCount]:
        return []

    async def arrivals(self, drop_id: int) -> int:
        return 0

    async def queue_no(self, drop_id: int, customer_id: int) -> int | None:
        self._read()
        queue = self.claims_of.get(-drop_id, [])
        return queue.index(customer_id) + 1 if customer_id in queue else None

    def _read(self) -> None:
        if self.is_away:
            self.refused += 1
            raise Unavailable("the database is away")
        self.reads += 1


@dataclass
class ServiceBehind:
    """What stands behind the front: it remembers who came through."""

    app: None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    status: int = 201
    body: bytes = b'{"id":1}'

    def route_table(self) -> list[tuple[str, str]]:
        return []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
