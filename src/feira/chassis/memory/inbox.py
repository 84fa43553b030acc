"""The inbox over dictionaries: claims are unique here too, and wait for one that is under way."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from feira.chassis.memory.database import Buried, ChassisTables, MemoryDatabase
from feira.chassis.memory.rows import Rows
from feira.chassis.store import Contention, DeadLetter, StoredAnswer
from feira.chassis.work import Answer, IdempotencyKey


class MemoryInbox:
    """`tables` as the transaction sees them."""

    def __init__(self, database: MemoryDatabase[Any], tables: ChassisTables) -> None:
        self._database = database
        self._tables: Any = tables

    async def claim(
        self, marker: UUID, envelope_ids: Sequence[UUID]
    ) -> Mapping[UUID, Collection[int]]:
        inbox: Rows[UUID, Any] = self._tables.inbox
        await inbox.lock({marker, *envelope_ids})
        self._claim_marker(marker)
        new = [key for key in dict.fromkeys(envelope_ids) if key not in inbox]
        now = self._database.clock.now()
        for envelope_id in new:
            inbox[envelope_id] = now
        handled: dict[UUID, set[int]] = {envelope_id: set() for envelope_id in new}
        for envelope_id, position in self._tables.inbox_parts if new else ():
            if envelope_id in handled:
                handled[envelope_id].add(position)
        return handled

    async def claim_parts(
        self, marker: UUID, parts: Sequence[tuple[UUID, int]]
    ) -> Collection[tuple[UUID, int]]:
        inbox: Rows[UUID, Any] = self._tables.inbox
        known: Rows[tuple[UUID, int], bool] = self._tables.inbox_parts
        await inbox.lock([marker])
        self._claim_marker(marker)
        await known.lock(parts)
        new = [part for part in parts if part[0] not in inbox and part not in known]
        for part in new:
            known[part] = True
        return new

    async def answers(
        self, keys: Sequence[IdempotencyKey]
    ) -> Mapping[tuple[str, str], StoredAnswer]:
        known = self._tables.answers
        places = [(key.caller, key.key) for key in keys]
        return {place: known[place] for place in places if place in known}

    async def remember(self, answers: Sequence[tuple[IdempotencyKey, Answer]]) -> None:
        if not answers:
            return
        known: Rows[tuple[str, str], StoredAnswer] = self._tables.answers
        places = [(key.caller, key.key) for key, _ in answers]
        await known.lock(places)
        if any(place in known for place in places):
            raise Contention("an idempotency key was answered meanwhile")
        now = self._database.clock.now()
        for (key, answer), place in zip(answers, places, strict=True):
            kept = Answer(answer.status, answer.body, answer.content_type)
            known[place] = StoredAnswer(key.fingerprint, kept)
        self._tables.answered_at.append_new((place, now) for place in places)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        now = self._database.clock.now()
        self._tables.dead_letters.append_new(
            (self._database.new_row_id(), Buried(letter, now)) for letter in letters
        )

    def _claim_marker(self, marker: UUID) -> None:
        assert marker not in self._tables.inbox, "a marker is of one transaction"
        self._tables.inbox[marker] = self._database.clock.now()
