"""The crowd's tables in a transaction: places of the waiting room, and what was counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from feira.chassis.postgres.connection import Connection
from feira.services.flashsale.domain.report import CrowdCount

OPEN_ROOMS: Final = """
INSERT INTO waiting_room (drop_id, arrivals) SELECT u, 0 FROM unnest($1::bigint[]) AS u
ON CONFLICT DO NOTHING
"""
LOCK_ROOMS: Final = """
SELECT drop_id, arrivals FROM waiting_room WHERE drop_id = ANY($1::bigint[])
ORDER BY drop_id FOR UPDATE
"""
KNOWN: Final = """
SELECT a.drop_id, a.customer_id, a.place
FROM unnest($1::bigint[], $2::bigint[]) AS u (drop_id, customer_id)
JOIN arrival AS a USING (drop_id, customer_id)
"""
GIVE: Final = """
INSERT INTO arrival (drop_id, customer_id, place)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[])
"""
COUNT: Final = """
UPDATE waiting_room AS w SET arrivals = u.arrivals
FROM unnest($1::bigint[], $2::integer[]) AS u (drop_id, arrivals) WHERE w.drop_id = u.drop_id
"""
ADD: Final = """
INSERT INTO crowd_count AS c (drop_id, kind, name, count)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (drop_id, kind, name) DO UPDATE SET count = c.count + excluded.count
"""

Guest = tuple[int, int]


class PostgresWaitingRooms:
    """A room's row is locked while places are given: two processes never give the same one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take_many(self, guests: Iterable[Guest]) -> Mapping[Guest, int]:
        wanted = list(dict.fromkeys(guests))
        drop_ids = sorted({drop_id for drop_id, _ in wanted})
        await self._connection.execute(OPEN_ROOMS, drop_ids)
        rooms = await self._connection.fetch(LOCK_ROOMS, drop_ids)
        arrivals: dict[int, int] = {row["drop_id"]: row["arrivals"] for row in rooms}
        known = await self._connection.fetch(KNOWN, *_columns(wanted))
        places = {(row["drop_id"], row["customer_id"]): row["place"] for row in known}
        new = [guest for guest in wanted if guest not in places]
        for drop_id, customer_id in new:
            arrivals[drop_id] += 1
            places[drop_id, customer_id] = arrivals[drop_id]
        if new:
            await self._connection.execute(GIVE, *_columns(new), [places[guest] for guest in new])
            await self._connection.execute(COUNT, list(arrivals), list(arrivals.values()))
        return places


class PostgresCrowdCounts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._added: Counter[tuple[int, str, str]] = Counter()

    def add_many(self, counts: Iterable[CrowdCount]) -> None:
        for count in counts:
            self._added[count.drop_id, count.kind.value, count.name] += count.count

    async def flush(self) -> None:
        added, self._added = self._added, Counter()
        if added:
            keys = sorted(added)
            columns = zip(*keys, strict=True)
            await self._connection.execute(ADD, *map(list, columns), [added[k] for k in keys])


def _columns(guests: list[Guest]) -> tuple[list[int], list[int]]:
    return [drop_id for drop_id, _ in guests], [customer_id for _, customer_id in guests]
