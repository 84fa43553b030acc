"""Settings of the embedded shop (`feira up`): ports, processes, demo logins."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from feira.chassis.settings import RelayKind
from feira.runtime.registry import SERVICES

Port = Annotated[int, Field(ge=1, le=65_535)]

PROCESSES_DEFAULT: Final = "orders; identity, catalog, inventory, orchestrator, payments, flashsale"


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A process of the shop: its name and, for each of its services, the port it listens on."""

    name: str
    ports: Mapping[str, int]


class ShopSettings(BaseSettings):
    """`FEIRA_PORT`, `FEIRA_DATA_DIR`, …; the first service listens on `FEIRA_SERVICES_PORT`."""

    model_config = SettingsConfigDict(env_prefix="FEIRA_", extra="ignore", frozen=True)

    port: Port = 8000
    postgres_port: Port = 8432
    broker: str = Field(default="valkey", repr=False)
    """`valkey`, `kafka` or `rabbitmq` for one that the shop starts; or the URL of another."""
    valkey_port: Port = 8379
    broker_port: Port = 8392
    """Of the Kafka or RabbitMQ that the shop starts."""
    kafka_advertised_port: Port | None = None
    """Where Kafka tells its clients to find it, if that is another port: a proxy's, say."""
    kafka_jars_dir: Path = Path(".cache/kafka")
    sandbox_port: Port = 8090
    services_port: Annotated[int, Field(ge=1, le=65_500)] = 8101
    data_dir: Path = Path(".feira")
    processes: str = PROCESSES_DEFAULT
    """Which services share a process: processes by semicolons, services by commas.

    A service in several processes runs several times: `orders; flashsale; flashsale`.
    """
    relay: RelayKind = "poll"
    """How each service's outbox comes to the broker: see `ServiceSettings.relay`."""
    seed: bool = True
    rate_limit: bool = True

    admin_email: str = "admin@example.com"
    admin_password: str = "Adm1n-correct-horse-battery"  # noqa: S105 - printed: a demo's login
    customer_email: str = "customer@example.com"
    customer_password: str = "Cust0mer-correct-horse-battery"  # noqa: S105 - printed: a demo's login

    @property
    def groups(self) -> list[list[str]]:
        groups = [
            [name.strip() for name in group.split(",") if name.strip()]
            for group in self.processes.split(";")
        ]
        return [group for group in groups if group]

    def as_environment(self) -> dict[str, str]:
        """The variables that give another process these settings."""
        return {f"FEIRA_{name.upper()}": str(value) for name, value in self if value is not None}

    def service_port(self, name: str) -> int:
        return self.services_port + SERVICES.index(name)

    @property
    def service_processes(self) -> list[ServiceProcess]:
        """Every process; what runs again listens on a port after those of all services."""
        named: Counter[str] = Counter()
        running: set[str] = set()
        next_port = self.services_port + len(SERVICES)
        processes = []
        for group in self.groups:
            ports = {}
            for service in group:
                ports[service] = next_port if service in running else self.service_port(service)
                next_port += service in running
                running.add(service)
            name = "-".join(group)
            named[name] += 1
            again = f"-{named[name]}" if named[name] > 1 else ""
            processes.append(ServiceProcess(f"{name}{again}", ports))
        return processes

    @property
    def further_ports(self) -> dict[str, list[int]]:
        """The ports of services that run more than once, after their first one."""
        further: dict[str, list[int]] = {}
        for process in self.service_processes:
            for service, port in process.ports.items():
                if port != self.service_port(service):
                    further.setdefault(service, []).append(port)
        return further

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"
