"""The whole shop on one machine: the embedded parts, the services, the gateway, supervised."""

import asyncio
import base64
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from feira.chassis.auth.keys import generate_signing_key
from feira.chassis.postgres.revisions import MIGRATION_TIMEOUT_SECONDS
from feira.embedded.data_dir import DataDir
from feira.embedded.nginx import EmbeddedNginx
from feira.embedded.one_off import run_to_end
from feira.embedded.ports import ensure_port_free
from feira.embedded.postgres import EmbeddedPostgres
from feira.embedded.probes import answers_http
from feira.embedded.process import Observer, ProcessSpec
from feira.embedded.supervisor import Supervisor
from feira.runtime.registry import SERVICES, check_names
from feira.runtime.shop_broker import broker_of
from feira.runtime.shop_settings import ServiceProcess, ShopSettings

Say = Callable[[str], None]

RESTARTS_PER_MINUTE_MAX: Final = 30
SERVICE_START_SECONDS_MAX: Final = 30.0
LOCAL_CLAIMS_PER_SECOND: Final = 20_000
LOCAL_STREAMS_MAX: Final = 2_000
"""On one machine all customers share one address: the limits are there, and far away."""
PREPARED_GATEWAY: Final = "gateway.conf"
ENVIRONMENT_FILE: Final = "environment"


class Shop:
    """`start` returns when everything answers; `wait` when it was stopped or gave up."""

    def __init__(self, settings: ShopSettings, data_dir: DataDir, observer: Observer) -> None:
        self.settings = settings
        self.data_dir = data_dir
        self._postgres = EmbeddedPostgres(data_dir, settings.postgres_port)
        self._broker = broker_of(settings, data_dir)
        self._broker_names: list[str] = []
        self.supervisor = Supervisor(
            run_dir=data_dir.run_dir,
            log_dir=data_dir.log_dir,
            restarts_per_minute_max=RESTARTS_PER_MINUTE_MAX,
            observer=observer,
        )

    async def start(self, say: Say) -> None:
        """Raises `EmbeddedError`; what did start goes on until `supervisor.stop_all`."""
        check_names([name for group in self.settings.groups for name in group])
        await self.supervisor.evict_orphans()
        self._check_ports()
        environment = self._environment()
        say(f"starting PostgreSQL and {self._broker.title}")
        await asyncio.gather(
            self._start_stores(), run_to_end(self._one_off("prepare", environment), self.data_dir)
        )
        say("migrating, and starting the services and the payment sandbox")
        await asyncio.gather(
            run_to_end(self._one_off("migrate", environment), self.data_dir),
            self.supervisor.start(
                self._sandbox(environment), *self._services(environment), await self._gateway()
            ),
        )
        if self.settings.seed:
            say("seeding the demo shop")
            await run_to_end(self._one_off("seed", environment), self.data_dir)

    async def _start_stores(self) -> None:
        postgres, broker = await asyncio.gather(self._postgres.prepare(), self._broker.prepare())
        self._broker_names = [spec.name for spec in broker]
        await self.supervisor.start(postgres, *broker[:1])
        for spec in broker[1:]:
            await self.supervisor.start(spec)
        await self._postgres.ensure_databases(SERVICES, may_read_log=self.settings.relay == "cdc")

    def process_names(self) -> list[str]:
        """What is supervised, in the order of its start."""
        services = [process.name for process in self.settings.service_processes]
        return ["postgres", *self._broker_names, "sandbox", *services, "nginx"]

    def _check_ports(self) -> None:
        settings = self.settings
        for port, wanted_by, name in (
            (settings.port, "the gateway", "FEIRA_PORT"),
            (settings.postgres_port, "PostgreSQL", "FEIRA_POSTGRES_PORT"),
            *self._broker.ports,
            (settings.sandbox_port, "the payment sandbox", "FEIRA_SANDBOX_PORT"),
        ):
            ensure_port_free(port, wanted_by, name)
        for service in SERVICES:
            ports = [settings.service_port(service), *settings.further_ports.get(service, ())]
            for port in ports:
                ensure_port_free(port, f"the {service} service", "FEIRA_SERVICES_PORT")

    def _environment(self) -> dict[str, str]:
        """What every Feira process is told; also left in a file, for `feira doctor` and friends."""
        settings, data_dir = self.settings, self.data_dir
        keys = data_dir.path / "keys"
        generate_signing_key(keys / "signing.json", keys / "jwks.json")
        environment = {
            "FEIRA_BROKER_URL": self._broker.url,
            "FEIRA_JWKS_FILE": str(keys / "jwks.json"),
            "FEIRA_LOG_FORMAT": "json",
            "FEIRA_RELAY": self.settings.relay,
            "FEIRA_PARTITIONS": "1",  # one consumer of each service works: larger envelopes
            "FEIRA_GATEWAY_STATIC_DIR": str(data_dir.part_dir("site")),
            "FEIRA_IDENTITY_SIGNING_KEY_FILE": str(keys / "signing.json"),
            "FEIRA_FLASHSALE_ADDRESS_CLAIMS_PER_SECOND": str(LOCAL_CLAIMS_PER_SECOND),
            "FEIRA_FLASHSALE_ADDRESS_CLAIMS_AT_ONCE": str(LOCAL_CLAIMS_PER_SECOND),
            "FEIRA_FLASHSALE_STREAMS_AN_ADDRESS_MAX": str(LOCAL_STREAMS_MAX),
            "FEIRA_FLASHSALE_TICKET_KEY": data_dir.secret("flashsale:ticket_key"),
            "FEIRA_PAYMENTS_SANDBOX_URL": f"http://127.0.0.1:{settings.sandbox_port}",
            "FEIRA_PAYMENTS_SANDBOX_API_KEY": data_dir.secret("sandbox:api_key"),
            "FEIRA_PAYMENTS_SANDBOX_WEBHOOK_SECRET": self._webhook_secret(),
        }
        for service in SERVICES:
            listen = f"127.0.0.1:{settings.service_port(service)}"
            environment[f"FEIRA_{service.upper()}_LISTEN"] = listen
            environment[f"FEIRA_{service.upper()}_DATABASE_URL"] = self._postgres.dsn(service)
        self._leave(environment)
        return {**environment, **_own_settings(os.environ, environment)}

    def _leave(self, environment: Mapping[str, str]) -> None:
        text = "".join(f"{name}={value}\n" for name, value in environment.items())
        file = self.data_dir.path / ENVIRONMENT_FILE
        file.touch(mode=0o600)
        file.write_text(text)

    def _webhook_secret(self) -> str:
        secret = self.data_dir.secret("sandbox:webhook_secret").encode()
        return "whsec_" + base64.b64encode(secret[:32]).decode()

    def _one_off(self, command: str, environment: Mapping[str, str]) -> ProcessSpec:
        return ProcessSpec(
            name=command,
            argv=[sys.executable, "-m", "feira", command],
            env={
                **environment,
                **self.settings.as_environment(),
                "FEIRA_DATA_DIR": str(self.data_dir.path),
            },
            cwd=self.data_dir.path,
        )

    def _services(self, environment: Mapping[str, str]) -> list[ProcessSpec]:
        return [self._process(one, environment) for one in self.settings.service_processes]

    def _process(self, process: ServiceProcess, environment: Mapping[str, str]) -> ProcessSpec:
        further = {
            f"FEIRA_{service.upper()}_LISTEN": f"127.0.0.1:{port}"
            for service, port in process.ports.items()
            if port in self.settings.further_ports.get(service, ())
        }
        return ProcessSpec(
            name=process.name,
            argv=[sys.executable, "-m", "feira", "run", *process.ports],
            env={**environment, **further, "FEIRA_MEMBER": process.name},
            cwd=self.data_dir.path,
            ready=answers_http(list(process.ports.values())[-1], "/readyz"),
            ready_timeout_seconds=MIGRATION_TIMEOUT_SECONDS + SERVICE_START_SECONDS_MAX,
        )

    def _sandbox(self, environment: Mapping[str, str]) -> ProcessSpec:
        port = self.settings.sandbox_port
        return ProcessSpec(
            name="sandbox",
            argv=[sys.executable, "-m", "feira.sandbox"],
            env={
                "FEIRA_SANDBOX_PORT": str(port),
                "FEIRA_SANDBOX_DATA_DIR": str(self.data_dir.path / "sandbox"),
                "FEIRA_SANDBOX_API_KEY": environment["FEIRA_PAYMENTS_SANDBOX_API_KEY"],
                "FEIRA_SANDBOX_WEBHOOK_URL": f"{self.settings.address}/webhooks/sandbox",
                "FEIRA_SANDBOX_WEBHOOK_SECRET": environment[
                    "FEIRA_PAYMENTS_SANDBOX_WEBHOOK_SECRET"
                ],
            },
            cwd=self.data_dir.path,
            ready=answers_http(port, "/healthz"),
        )

    async def _gateway(self) -> ProcessSpec:
        text = (self.data_dir.path / PREPARED_GATEWAY).read_text()
        return await EmbeddedNginx(self.data_dir, text).prepare()


def _own_settings(ours: Mapping[str, str], made: Mapping[str, str]) -> dict[str, str]:
    """A person's own `FEIRA_…` variables come before what the shop would choose."""
    return {name: value for name, value in ours.items() if name in made}


def read_environment(data_dir: Path) -> dict[str, str]:
    """What a running (or stopped) embedded shop told its processes; nothing where there is none."""
    try:
        text = (data_dir / ENVIRONMENT_FILE).read_text()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in text.splitlines())
