"""What the use cases need, in their own words."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.flashsale.domain.campaign import Campaign
from feira.services.flashsale.domain.claim import Claim
from feira.services.flashsale.domain.drop import Drop


class CampaignRepository(Protocol):
    async def get_many_for_update(self, campaign_ids: Iterable[int]) -> Mapping[int, Campaign]:
        """Those that exist, locked in the order of their ids. A live view."""
        ...

    async def find_due(self, now: datetime, campaigns_max: int) -> Sequence[Campaign]:
        """Those whose next drop is to be planned, locked; what another process has locked is
        passed over."""
        ...

    def add_many(self, campaigns: Iterable[Campaign]) -> None: ...

    def save_many(self, campaigns: Iterable[Campaign]) -> None: ...


class DropRepository(Protocol):
    async def get_many_for_update(self, drop_ids: Iterable[int]) -> Mapping[int, Drop]:
        """Those that exist, locked in the order of their ids. A live view."""
        ...

    async def find_current(self, campaign_ids: Collection[int]) -> Mapping[int, int]:
        """By campaign, the id of its drop that is open, or else of the next one."""
        ...

    async def find_due(self, now: datetime, drops_max: int) -> Sequence[Drop]:
        """Those the clock has something to do with, locked; what another process has locked is
        passed over."""
        ...

    async def find_waiting_for_others(self, drops_max: int) -> Sequence[Drop]:
        """Those that wait for what was asked of inventory or orders, locked."""
        ...

    async def find_of_campaigns(self, campaign_ids: Collection[int]) -> Sequence[Drop]:
        """Those of these campaigns that have not ended, locked."""
        ...

    def add_many(self, drops: Iterable[Drop]) -> None: ...

    def save_many(self, drops: Iterable[Drop]) -> None: ...


class ClaimRepository(Protocol):
    """Claims change only while their drop is locked. Each call sees what this transaction has
    added and saved before."""

    async def count_of(
        self, customers: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], int]:
        """How many claims each has, of pairs (drop, customer); who has none is left out."""
        ...

    async def of_orders(self, order_ids: Collection[int]) -> Mapping[int, Claim]:
        """Those that exist, by their order."""
        ...

    async def next_in_queue(self, drop_id: int, claims_max: int) -> Sequence[Claim]:
        """Those who wait, in the order of their numbers."""
        ...

    async def unsettled(self, drop_id: int, claims_max: int) -> Sequence[Claim]:
        """Those whose order has not come to rest, in the order of arrival."""
        ...

    def add_many(self, claims: Iterable[Claim]) -> None: ...

    def save_many(self, claims: Iterable[Claim]) -> None: ...


class FlashSaleUnitOfWork(UnitOfWork, Protocol):
    @property
    def campaigns(self) -> CampaignRepository: ...

    @property
    def drops(self) -> DropRepository: ...

    @property
    def claims(self) -> ClaimRepository: ...

    @property
    def zone(self) -> tzinfo:
        """Whose hours an hourly campaign counts."""
        ...

    @property
    def prepare_before(self) -> timedelta:
        """How long before a drop opens its stock is set aside."""
        ...


class FlashSaleQueries(Protocol):
    async def get(self, sale_id: int) -> Drop | None:
        """A drop, or of a campaign the one that is open, or else the next, or else the last."""
        ...

    async def find_live(self, *, offset: int, drops_max: int) -> tuple[Sequence[Drop], int]:
        """Drops that are not closed, the first to open first; and how many there are."""
        ...

    async def newest_claim(self, drop_id: int, customer_id: int) -> Claim | None: ...

    async def next_due(self) -> datetime | None:
        """When the clock has something to do next; None: nothing is planned."""
        ...
