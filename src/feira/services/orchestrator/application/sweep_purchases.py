"""Ask again what has not been answered in time: sagas go on whatever the broker has lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from feira.services.orchestrator.application.ports import OrchestratorUnitOfWork
from feira.services.orchestrator.application.publishing import published
from feira.services.orchestrator.domain.messages import Overdue
from feira.services.orchestrator.domain.purchase_saga import advance, pending


@dataclass(frozen=True, slots=True)
class SweepPurchases:
    """Sagas whose deadline has passed."""

    sagas_max: int = 500


@dataclass(frozen=True, slots=True)
class AskAllAgain:
    """The broker has lost its data: every open saga asks once more, whatever its deadline."""

    sagas_max: int = 50_000


FAR_AHEAD = timedelta(days=365)


async def sweep_purchases(
    commands: Sequence[SweepPurchases], uow: OrchestratorUnitOfWork
) -> list[int]:
    """Returns how many sagas were overdue, a command."""
    counts = []
    for command in commands:
        sagas = await uow.sagas.find_overdue(uow.now, command.sagas_max)
        for saga in sagas:
            said = advance(saga, Overdue(), uow.now)
            uow.outbox.tell([published(saga, wish) for wish in said])
        uow.sagas.save_many(sagas)
        counts.append(len(sagas))
    return counts


async def ask_all_again(commands: Sequence[AskAllAgain], uow: OrchestratorUnitOfWork) -> list[int]:
    """Returns how many sagas are open, a command."""
    counts = []
    for command in commands:
        sagas = await uow.sagas.find_overdue(uow.now + FAR_AHEAD, command.sagas_max)
        for saga in sagas:
            uow.outbox.tell([published(saga, wish) for wish in pending(saga)])
        counts.append(len(sagas))
    return counts
