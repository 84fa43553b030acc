"""A Kafka or RabbitMQ by itself, outside of a shop: for tests, for CI, and for trying."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Literal, TypeAlias

from feira.embedded.data_dir import DataDir
from feira.embedded.kafka import EmbeddedKafka
from feira.embedded.ports import free_port
from feira.embedded.process import ProcessSpec
from feira.embedded.rabbitmq import EmbeddedRabbitMq
from feira.embedded.supervisor import Supervisor

BrokerKind: TypeAlias = Literal["kafka", "rabbitmq"]
KAFKA_JARS_DIR = Path(".cache/kafka")


class LocalBroker:
    """One node with its data in `folder`, on a free port that stays the same.

    Like `Supervisor` it wants a thread that lives as long as it does.
    """

    def __init__(
        self, kind: BrokerKind, folder: Path, *, port: int = 0, jars_dir: Path = KAFKA_JARS_DIR
    ) -> None:
        self._data_dir = DataDir(folder, system_dir=folder / "system").create()
        self._embedded: EmbeddedKafka | EmbeddedRabbitMq
        if kind == "kafka":
            self._embedded = EmbeddedKafka(self._data_dir, port or free_port(), jars_dir)
        else:
            self._embedded = EmbeddedRabbitMq(self._data_dir, port or free_port())
        self._specs: list[ProcessSpec] = []
        self._supervisor: Supervisor | None = None

    @property
    def url(self) -> str:
        return self._embedded.url

    async def start(self) -> None:
        """Returns when it answers. Raises `EmbeddedError`."""
        if not self._specs:
            self._specs = await self._embedded.prepare()
        self._supervisor = Supervisor(
            run_dir=self._data_dir.run_dir, log_dir=self._data_dir.log_dir
        )
        for spec in self._specs:
            await self._supervisor.start(spec)

    async def stop(self) -> None:
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            await supervisor.stop_all()

    async def kill(self) -> None:
        """As if the machine's power had gone; it stays dead until `start`."""
        assert self._supervisor is not None, "it does not run"
        self._supervisor.signal(self._specs[-1].name, signal.SIGKILL)
        await self.stop()
