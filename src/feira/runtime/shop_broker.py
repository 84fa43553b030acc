"""Which broker the shop uses: Valkey from a wheel, a Kafka or RabbitMQ of its own, or another."""

from pathlib import Path
from typing import Protocol

from feira.chassis.transports.opening import open_transport
from feira.embedded.data_dir import DataDir
from feira.embedded.kafka import EmbeddedKafka
from feira.embedded.process import ProcessSpec
from feira.embedded.rabbitmq import EmbeddedRabbitMq
from feira.embedded.valkey import EmbeddedValkey
from feira.kernel.errors import Misconfigured
from feira.runtime.shop_settings import ShopSettings


class ShopBroker(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def title(self) -> str:
        """For a person: `Kafka`."""
        ...

    @property
    def ports(self) -> list[tuple[int, str, str]]:
        """Ports that must be free, what wants each, and the setting that moves it."""
        ...

    async def prepare(self) -> list[ProcessSpec]:
        """What to run, each started when the one before is ready; nothing for a foreign broker."""
        ...


class ValkeyBroker:
    title = "Valkey"

    def __init__(self, data_dir: DataDir, port: int) -> None:
        self._valkey = EmbeddedValkey(data_dir, port)
        self.url = self._valkey.unix_url
        self.ports = [(port, "Valkey", "FEIRA_VALKEY_PORT")]

    async def prepare(self) -> list[ProcessSpec]:
        return [await self._valkey.prepare()]


class KafkaBroker:
    title = "Kafka"

    def __init__(
        self, data_dir: DataDir, port: int, jars_dir: Path, advertised_port: int | None
    ) -> None:
        self._kafka = EmbeddedKafka(data_dir, port, jars_dir, advertised_port=advertised_port)
        self.url = self._kafka.url
        self.ports = [(port, "Kafka", "FEIRA_BROKER_PORT")]

    async def prepare(self) -> list[ProcessSpec]:
        return await self._kafka.prepare()


class RabbitMqBroker:
    title = "RabbitMQ"

    def __init__(self, data_dir: DataDir, port: int) -> None:
        self._rabbitmq = EmbeddedRabbitMq(data_dir, port)
        self.url = self._rabbitmq.url
        self.ports = [(port, "RabbitMQ", "FEIRA_BROKER_PORT")]

    async def prepare(self) -> list[ProcessSpec]:
        return await self._rabbitmq.prepare()


class ForeignBroker:
    """Somebody else runs it; the shop only knows its URL."""

    title = "a broker of your own"

    def __init__(self, url: str) -> None:
        self.url = url
        self.ports: list[tuple[int, str, str]] = []

    async def prepare(self) -> list[ProcessSpec]:
        await open_transport(self.url, partitions=1, member="up").close()  # what it says is sound
        return []


def broker_of(settings: ShopSettings, data_dir: DataDir) -> ShopBroker:
    """Raises `Misconfigured` for what is neither a known name nor a URL."""
    if settings.broker == "valkey":
        return ValkeyBroker(data_dir, settings.valkey_port)
    if settings.broker == "kafka":
        return KafkaBroker(
            data_dir,
            settings.broker_port,
            settings.kafka_jars_dir,
            settings.kafka_advertised_port,
        )
    if settings.broker == "rabbitmq":
        return RabbitMqBroker(data_dir, settings.broker_port)
    if "://" not in settings.broker:
        raise Misconfigured(
            f"FEIRA_BROKER is valkey, kafka, rabbitmq or a URL, and not {settings.broker!r}"
        )
    return ForeignBroker(settings.broker)
