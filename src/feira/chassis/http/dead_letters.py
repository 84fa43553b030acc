"""A service's dead letters over HTTP, for administrators: `/dead-letters/<service>` (I6)."""

import msgspec
from fastapi import Response

from feira.chassis.dead_letters import BuriedLetter
from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import AdminPrincipal
from feira.chassis.http.fields import PageLimit, PositiveId
from feira.chassis.http.openapi import responses
from feira.chassis.service import Service
from feira.kernel.errors import Rejected


class DeadLetterView(msgspec.Struct):
    id: int
    message_id: str
    topic: str
    type: str
    error: str
    body: str
    """The first 2,000 bytes of the message."""
    buried_at: str
    redriven_at: str | None


class DeadLetterList(msgspec.Struct):
    items: list[DeadLetterView]
    limit: int


class Redriven(msgspec.Struct):
    id: int
    status: str = "redriven"


def dead_letter_routes(service: Service) -> Router:
    router = Router(tags=["dead letters"])
    place = f"/dead-letters/{service.name}"

    @router.get(place, responses=responses({200: DeadLetterList}))
    async def find(
        _admin: AdminPrincipal, redriven: bool = False, limit: PageLimit = 50
    ) -> Response:
        """Messages that were not handled, the newest first; `redriven`: also those sent again."""
        letters = await service.dead_letters.newest(letters_max=limit, also_redriven=redriven)
        return to_response(json_answer(200, DeadLetterList([*map(_view, letters)], limit)))

    @router.post(
        f"{place}/{{letter_id}}/redrive", status_code=202, responses=responses({202: Redriven})
    )
    async def send_again(letter_id: PositiveId, _admin: AdminPrincipal) -> Response:
        """Send a message to this service once more; each call sends it again."""
        refused = await service.dead_letters.redrive(letter_id)
        if refused is not None:
            raise Rejected(refused)
        service.relay.wake()
        return to_response(json_answer(202, Redriven(letter_id)))

    return router


def _view(letter: BuriedLetter) -> DeadLetterView:
    return DeadLetterView(
        id=letter.id,
        message_id=letter.message_id,
        topic=letter.topic,
        type=letter.type,
        error=letter.error,
        body=letter.body,
        buried_at=letter.buried_at.isoformat(),
        redriven_at=letter.redriven_at.isoformat() if letter.redriven_at else None,
    )
