"""One topic partition of the simulated broker: a log with rising offsets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feira.chassis.transports.port import Delivery, Envelope


@dataclass(frozen=True, slots=True)
class Record:
    offset: int
    published_at: datetime
    envelope: Envelope

    @property
    def delivery(self) -> Delivery:
        return Delivery(self.envelope, str(self.offset))


class PartitionLog:
    """Offsets begin at 1 and never come again, not even when the log has lost its records."""

    def __init__(self) -> None:
        self._first = 1
        self._records: list[Record] = []

    @property
    def last_offset(self) -> int:
        return self._first + len(self._records) - 1

    def append(self, envelope: Envelope, at: datetime) -> None:
        self._records.append(Record(self.last_offset + 1, at, envelope))

    def after(self, offset: int, count: int) -> Sequence[Record]:
        start = max(0, offset + 1 - self._first)
        return self._records[start : start + count]

    def up_to(self, offset: int) -> Sequence[Record]:
        """The records kept of those up to an offset."""
        return self._records[: max(0, offset + 1 - self._first)]

    def offset_before(self, moment: datetime) -> int:
        """The offset behind which everything is as young as `moment`."""
        older = sum(1 for record in self._records if record.published_at < moment)
        return self._first - 1 + older

    def drop_up_to(self, offset: int) -> None:
        dropped = len(self.up_to(offset))
        del self._records[:dropped]
        self._first += dropped

    def wipe(self) -> None:
        self.drop_up_to(self.last_offset)
