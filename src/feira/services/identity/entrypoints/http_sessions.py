"""Log in, refresh, log out (B1, E6, E7)."""

from typing import Final

from fastapi import Response

from feira.chassis.http.answers import NO_CONTENT, json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import ClientAddress, CurrentPrincipal, RequestOrigin
from feira.chassis.http.openapi import responses
from feira.kernel.errors import Refused
from feira.services.identity.application.log_in import LogIn
from feira.services.identity.application.log_out import LogOut
from feira.services.identity.application.prove_password import prove_password
from feira.services.identity.application.refresh_session import RefreshOutcome, RefreshSession
from feira.services.identity.domain.session import (
    ACCESS_TOKEN_LIFE,
    NOT_REFRESHABLE,
    Reused,
    Session,
)
from feira.services.identity.entrypoints.api_parts import ApiParts
from feira.services.identity.entrypoints.bodies import LoginBody, RefreshBody
from feira.services.identity.entrypoints.refresh_tokens import hash_of, new_refresh_token
from feira.services.identity.entrypoints.refusing import or_reject
from feira.services.identity.entrypoints.views import TokensView

ACCESS_TOKEN_SECONDS: Final = int(ACCESS_TOKEN_LIFE.total_seconds())


def session_routes(parts: ApiParts) -> Router:
    router = Router(tags=["sessions"])

    @router.post("/login", responses=responses({200: TokensView, 401: None, 429: None}))
    async def log_in(body: LoginBody, address: ClientAddress, origin: RequestOrigin) -> Response:
        """Open a session. The answer to a wrong password is the same whoever it is for."""
        parts.address_limits.check(address)
        credentials = await parts.queries.credentials(body.email)
        proved_hash = or_reject(
            await prove_password(body.password, credentials, parts.hasher, parts.clock.now())
        )
        refresh_token = new_refresh_token()
        command = LogIn(body.email, credentials.user_id, proved_hash, hash_of(refresh_token))
        outcome: Session | Refused = await parts.lane.ask(command, origin=origin)
        if isinstance(outcome, Refused):
            parts.address_limits.count_failure(address)
        return _tokens(parts, or_reject(outcome), refresh_token)

    @router.post("/token/refresh", responses=responses({200: TokensView, 401: None}))
    async def refresh(body: RefreshBody, origin: RequestOrigin) -> Response:
        """Exchange a refresh token. Each is good once: a second time ends the session."""
        refresh_token = new_refresh_token()
        command = RefreshSession(hash_of(body.refresh_token), hash_of(refresh_token))
        outcome: RefreshOutcome = await parts.lane.ask(command, origin=origin)
        if isinstance(outcome, Reused):
            parts.revoke(outcome.session)
            outcome = NOT_REFRESHABLE
        return _tokens(parts, or_reject(outcome), refresh_token)

    @router.post("/logout", status_code=204, responses=responses({204: None}))
    async def log_out(caller: CurrentPrincipal, origin: RequestOrigin) -> Response:
        """End the session: its refresh token at once, its access tokens within a second."""
        ended: Session | None = await parts.lane.ask(LogOut(caller.session_id), origin=origin)
        if ended is not None:
            parts.revoke(ended)
        return to_response(NO_CONTENT)

    return router


def _tokens(parts: ApiParts, session: Session, refresh_token: str) -> Response:
    access_token = parts.signer.sign(
        session.user_id, session.role, session.id, ACCESS_TOKEN_SECONDS
    )
    view = TokensView(access_token, refresh_token, ACCESS_TOKEN_SECONDS)
    return to_response(json_answer(200, view, (("Cache-Control", "no-store"),)))
