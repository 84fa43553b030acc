"""Keep what the processes have counted: refusals by reason, also those from memory, and times."""

from collections.abc import Sequence

import msgspec

from feira.services.flashsale.application.crowd_ports import CrowdUnitOfWork
from feira.services.flashsale.domain.report import CrowdCount


class CountCrowd(msgspec.Struct, frozen=True):
    counts: tuple[CrowdCount, ...]


async def count_crowd(commands: Sequence[CountCrowd], uow: CrowdUnitOfWork) -> Sequence[None]:
    uow.crowd_counts.add_many(count for command in commands for count in command.counts)
    return [None] * len(commands)
