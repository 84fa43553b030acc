"""The gateway over the real services' own routes and documents."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feira.chassis.auth.keys import KeyFile, generate_signing_key
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.settings import load_settings
from feira.chassis.transports.opening import open_transport
from feira.embedded.data_dir import DataDir
from feira.embedded.nginx import EmbeddedNginx
from feira.kernel.clock import SystemClock
from feira.runtime.registry import SERVICES, builder_of, settings_of
from feira.services.gateway.configuration import nginx_configuration
from feira.services.gateway.openapi import merge
from feira.services.gateway.routes import Match, places_of
from feira.services.gateway.settings import GatewaySettings

ROOT = "#/"


@pytest.fixture
def shells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ServiceShell]:
    """Every service's application; nothing of it runs."""
    signing, jwks = tmp_path / "signing.json", tmp_path / "jwks.json"
    generate_signing_key(signing, jwks)
    for name, value in {
        "FEIRA_DATABASE_URL": "postgresql://nowhere/none",
        "FEIRA_JWKS_FILE": str(jwks),
        "FEIRA_IDENTITY_SIGNING_KEY_FILE": str(signing),
        "FEIRA_PAYMENTS_SANDBOX_URL": "http://127.0.0.1:1",
        "FEIRA_PAYMENTS_SANDBOX_API_KEY": "an-api-key-for-this-test-alone-0123",
        "FEIRA_PAYMENTS_SANDBOX_WEBHOOK_SECRET": f"whsec_{base64.b64encode(bytes(32)).decode()}",
        "FEIRA_FLASHSALE_TICKET_KEY": "a-key-for-this-test-alone-0123456789",
    }.items():
        monkeypatch.setenv(name, value)
    return {name: shell_of(name) for name in SERVICES}


def shell_of(name: str) -> ServiceShell:
    settings = load_settings(settings_of(name))
    verifier = TokenVerifier(
        KeyFile(settings.jwks_file), settings.issuer, settings.audience, SystemClock()
    )
    transport = open_transport("sim://gateway", partitions=4, member="gateway")
    shell: ServiceShell = builder_of(name)(
        Parts(PostgresDatabase(settings.database_url), transport, verifier), settings
    ).app
    return shell


def refs_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref
        for inner in value.values():
            yield from refs_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs_in(inner)


def test_every_documented_call_has_a_place(shells: dict[str, ServiceShell]) -> None:
    merged = merge({name: shell.app.openapi() for name, shell in shells.items()})
    routes = {route for shell in shells.values() for route in shell.route_table()}
    documented = {(m.upper(), path) for path, each in merged["paths"].items() for m in each}
    assert documented == routes


def test_every_reference_of_the_merged_document_leads_somewhere(
    shells: dict[str, ServiceShell],
) -> None:
    merged = merge({name: shell.app.openapi() for name, shell in shells.items()})
    refs = set(refs_in(merged))
    assert refs
    for ref in refs:
        found: Any = merged
        for step in ref.removeprefix(ROOT).split("/"):
            assert step in found, ref
            found = found[step]
    named = [o["operationId"] for each in merged["paths"].values() for o in each.values()]
    assert len(set(named)) == len(named)


def test_the_hot_calls_need_no_pattern(shells: dict[str, ServiceShell]) -> None:
    places = {place.address: place for place in places_of(tables_of(shells))}
    assert places["/orders"].match is Match.EXACT
    assert places["/products"].match is Match.EXACT
    assert places["/products/"].match is Match.FINAL_PREFIX


async def test_nginx_takes_the_configuration(
    shells: dict[str, ServiceShell], tmp_path: Path
) -> None:
    upstreams = {name: [f"127.0.0.1:{port}"] for port, name in enumerate(shells, 8101)}
    text = nginx_configuration(GatewaySettings(), upstreams, tables_of(shells))
    data_dir = DataDir(tmp_path / "feira", system_dir=tmp_path / "system")
    data_dir.user = None  # nothing is started, so nobody else has to read it
    await EmbeddedNginx(data_dir.create(), text).prepare()


def tables_of(shells: dict[str, ServiceShell]) -> dict[str, list[tuple[str, str]]]:
    return {name: shell.route_table() for name, shell in shells.items()}
