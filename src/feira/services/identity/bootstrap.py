"""The parts list of identity."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from feira.chassis.auth.keys import KeyFile, load_signing_key
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.batch import UseCase
from feira.chassis.database import Storage
from feira.chassis.http.dead_letters import dead_letter_routes
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.service import Service, assemble
from feira.kernel.errors import Misconfigured
from feira.services.identity.adapters.argon2_hasher import Argon2Hasher
from feira.services.identity.adapters.guessable_passwords import load_guessable_passwords
from feira.services.identity.adapters.postgres.queries import PostgresIdentityQueries
from feira.services.identity.adapters.postgres.unit_of_work import PostgresIdentityUnitOfWork
from feira.services.identity.application.change_password import ChangePassword, change_passwords
from feira.services.identity.application.change_profile import ChangeProfile, change_profiles
from feira.services.identity.application.ensure_user import EnsureUser, ensure_users
from feira.services.identity.application.forget_expired import ForgetExpired, forget_expired
from feira.services.identity.application.keep_addresses import (
    AddAddress,
    RemoveAddress,
    ReplaceAddress,
    keep_addresses,
)
from feira.services.identity.application.log_in import LogIn, log_in
from feira.services.identity.application.log_out import LogOut, log_out
from feira.services.identity.application.ports import IdentityQueries, PasswordHasher
from feira.services.identity.application.refresh_session import RefreshSession, refresh_sessions
from feira.services.identity.application.register_user import RegisterUser, register_users
from feira.services.identity.application.repeat_revocations import (
    RepeatRevocations,
    repeat_revocations,
)
from feira.services.identity.domain.attempts import Limit
from feira.services.identity.domain.user import Role
from feira.services.identity.entrypoints import seed
from feira.services.identity.entrypoints.address_limits import AddressLimits
from feira.services.identity.entrypoints.api_parts import ApiParts
from feira.services.identity.entrypoints.http import cold_routes
from feira.services.identity.entrypoints.schedule import SCHEDULES, WHEN_BROKER_LOST
from feira.services.identity.entrypoints.sealing import Sealer
from feira.services.identity.settings import IdentitySettings

USE_CASES: Final[Mapping[type, UseCase[Any]]] = {
    RegisterUser: register_users,
    LogIn: log_in,
    RefreshSession: refresh_sessions,
    LogOut: log_out,
    ChangeProfile: change_profiles,
    ChangePassword: change_passwords,
    AddAddress: keep_addresses,
    ReplaceAddress: keep_addresses,
    RemoveAddress: keep_addresses,
    EnsureUser: ensure_users,
    RepeatRevocations: repeat_revocations,
    ForgetExpired: forget_expired,
}


POSTGRES: Final = Storage[IdentityQueries](
    lambda: PostgresIdentityUnitOfWork, PostgresIdentityQueries
)


def build(
    parts: Parts,
    settings: IdentitySettings,
    hasher: PasswordHasher | None = None,
    storage: Storage[IdentityQueries] = POSTGRES,
) -> Service:
    """Raises `Misconfigured` when the keys are not there or do not belong together.

    `hasher`: another one than Argon2, for tests and the simulation.
    """
    service = assemble(
        "identity",
        parts,
        make_uow=storage.units_of_work(),
        use_cases=USE_CASES,
        schedules=SCHEDULES,
        when_broker_lost=WHEN_BROKER_LOST,
    )
    hasher = hasher or _argon2(service, settings)
    queries = storage.queries(service.reader)
    service.app = ServiceShell(
        service="identity",
        title="Identity",
        routers=[
            *cold_routes(_api_parts(service, settings, queries, hasher)),
            dead_letter_routes(service),
        ],
        verifier=parts.verifier,
        readiness={"identity": service.ready},
    )
    return service


async def ensure_user(
    service: Service,
    *,
    email: str,
    password: str,
    name: str,
    role: Role,
    user_id: int | None = None,
) -> int:
    """See to it that a user exists, for a seed; the service's lane has to run. Returns the id.

    Doing it again changes nothing. Raises `Misconfigured` and what the lane raises.
    """
    hasher = Argon2Hasher(threads=1)
    try:
        return await seed.ensure_user(
            service.lane,
            hasher,
            load_guessable_passwords(),
            email=email,
            password=password,
            name=name,
            role=role,
            user_id=user_id,
        )
    finally:
        hasher.close()


def _argon2(service: Service, settings: IdentitySettings) -> Argon2Hasher:
    hasher = Argon2Hasher(
        threads=settings.hash_threads, hashes_queued_max=settings.hashes_queued_max
    )
    service.tasks.append(hasher.run)
    return hasher


def _api_parts(
    service: Service, settings: IdentitySettings, queries: IdentityQueries, hasher: PasswordHasher
) -> ApiParts:
    clock = service.parts.clock
    signing_key, keys = load_signing_key(settings.signing_key_file), KeyFile(settings.jwks_file)
    if signing_key.kid not in {key.kid for key in keys.current(clock.now()).keys}:
        raise Misconfigured(f"{settings.jwks_file} does not publish the signing key")
    limit = Limit(settings.address_failures_max, forgiven_every=timedelta(seconds=1))
    return ApiParts(
        lane=service.lane,
        queries=queries,
        hasher=hasher,
        guessable_passwords=load_guessable_passwords(),
        signer=TokenSigner(signing_key, settings.issuer, settings.audience, clock),
        keys=keys,
        revoked=service.parts.verifier.revoked,
        address_limits=AddressLimits(limit, clock),
        sealer=Sealer.with_key(signing_key),
        clock=clock,
    )
