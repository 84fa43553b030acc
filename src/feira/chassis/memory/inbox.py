"""The inbox over sets and dictionaries: claims are unique here too."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from feira.chassis.memory.database import ChassisTables
from feira.chassis.store import Contention, DeadLetter, StoredAnswer
from feira.chassis.work import Answer, IdempotencyKey


class MemoryInbox:
    def __init__(self, tables: ChassisTables) -> None:
        self._tables = tables

    async def claim(
        self, marker: UUID, envelope_ids: Sequence[UUID]
    ) -> Mapping[UUID, Collection[int]]:
        self._claim_marker(marker)
        new = set(envelope_ids) - self._tables.inbox
        self._tables.inbox |= new
        parts = self._tables.inbox_parts
        return {
            envelope_id: {at for claimed, at in parts if claimed == envelope_id}
            for envelope_id in new
        }

    async def claim_parts(
        self, marker: UUID, parts: Sequence[tuple[UUID, int]]
    ) -> Collection[tuple[UUID, int]]:
        self._claim_marker(marker)
        open_parts = {part for part in parts if part[0] not in self._tables.inbox}
        new = open_parts - self._tables.inbox_parts
        self._tables.inbox_parts |= new
        return new

    async def answers(
        self, keys: Sequence[IdempotencyKey]
    ) -> Mapping[tuple[str, str], StoredAnswer]:
        known = self._tables.answers
        places = {(key.caller, key.key) for key in keys}
        return {place: known[place] for place in places if place in known}

    async def remember(self, answers: Sequence[tuple[IdempotencyKey, Answer]]) -> None:
        for key, answer in answers:
            place = (key.caller, key.key)
            if place in self._tables.answers:
                raise Contention("an idempotency key was answered meanwhile")
            kept = Answer(answer.status, answer.body, answer.content_type)
            self._tables.answers[place] = StoredAnswer(key.fingerprint, kept)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        self._tables.dead_letters.extend(letters)

    def _claim_marker(self, marker: UUID) -> None:
        assert marker not in self._tables.inbox, "a marker is of one transaction"
        self._tables.inbox.add(marker)
