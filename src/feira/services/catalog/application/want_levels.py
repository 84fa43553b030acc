"""Ask for stock levels to be told again: the copy of them is made anew (ADR 0010)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.catalog import LevelsWanted
from feira.services.catalog.application.ports import CatalogUnitOfWork


@dataclass(frozen=True, slots=True)
class WantLevels:
    """A page of them: those after `after_id`."""

    request_id: str
    after_id: int


async def want_levels(commands: Sequence[WantLevels], uow: CatalogUnitOfWork) -> list[None]:
    uow.outbox.announce(
        [LevelsWanted(request_id=command.request_id, after_id=command.after_id)]
        for command in commands
    )
    return [None] * len(commands)
