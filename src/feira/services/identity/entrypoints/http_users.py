"""Register, and one's own profile and password (E6)."""

from fastapi import Response
from msgspec import UNSET

from feira.chassis.http.answers import NO_CONTENT, json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import CurrentPrincipal, Idempotency, RequestOrigin
from feira.chassis.http.openapi import responses
from feira.kernel.errors import Refused
from feira.services.identity.application.change_password import ChangePassword, PasswordChanged
from feira.services.identity.application.change_profile import ChangeProfile
from feira.services.identity.application.prove_password import prove_password
from feira.services.identity.application.register_user import RegisterUser
from feira.services.identity.domain.password import check_password
from feira.services.identity.domain.user import NO_USER
from feira.services.identity.entrypoints.api_parts import ApiParts
from feira.services.identity.entrypoints.bodies import PasswordBody, ProfileBody, RegisterBody
from feira.services.identity.entrypoints.refusing import or_reject, reject
from feira.services.identity.entrypoints.views import (
    ProfileView,
    UserView,
    profile_answer,
    profile_view,
    registered_answer,
)


def user_routes(parts: ApiParts) -> Router:
    router = Router(tags=["users"])

    def refuse_weak(password: str, email: str, pointer: str) -> None:
        reject(check_password(password, parts.guessable_passwords, email=email, pointer=pointer))

    @router.post("/register", status_code=201, responses=responses({201: UserView, 409: None}))
    async def register(body: RegisterBody, origin: RequestOrigin, key: Idempotency) -> Response:
        """Become a customer."""
        refuse_weak(body.password, body.email, "/password")
        password_hash = await parts.hasher.hash(body.password)
        answer = await parts.lane.submit(
            RegisterUser(body.email, body.name, password_hash),
            origin=origin,
            idempotency=parts.sealer.seal(key),
            answer_with=lambda outcome: registered_answer(outcome, "/register"),
        )
        return to_response(answer)

    @router.get("/me", responses=responses({200: ProfileView}))
    async def show(caller: CurrentPrincipal) -> Response:
        """One's own data."""
        user = or_reject(await parts.queries.user(caller.id) or NO_USER)
        return to_response(json_answer(200, profile_view(user)))

    @router.patch("/me", responses=responses({200: ProfileView}))
    async def change(
        body: ProfileBody, caller: CurrentPrincipal, origin: RequestOrigin
    ) -> Response:
        """Change one's own data; what is left out stays as it is."""
        command = ChangeProfile(
            caller.id,
            name=body.name if "name" in body.model_fields_set else UNSET,
            phone=body.phone if "phone" in body.model_fields_set else UNSET,
        )
        answer = await parts.lane.submit(
            command, origin=origin, answer_with=lambda outcome: profile_answer(outcome, "/me")
        )
        return to_response(answer)

    @router.post("/me/password", status_code=204, responses=responses({204: None, 403: None}))
    async def change_password(
        body: PasswordBody, caller: CurrentPrincipal, origin: RequestOrigin
    ) -> Response:
        """Change the password; all other sessions of the user end."""
        credentials = or_reject(await parts.queries.credentials_of(caller.id) or NO_USER)
        refuse_weak(body.new, credentials.email, "/new")
        proved_hash = or_reject(
            await prove_password(body.current, credentials, parts.hasher, parts.clock.now())
        )
        new_hash = await parts.hasher.hash(body.new) if proved_hash else ""
        outcome: PasswordChanged | Refused = await parts.lane.ask(
            ChangePassword(caller.id, credentials.email, caller.session_id, proved_hash, new_hash),
            origin=origin,
        )
        for session in or_reject(outcome).ended:
            parts.revoke(session)
        return to_response(NO_CONTENT)

    return router
