"""A single Apache Kafka in KRaft mode, from jars that `scripts/fetch_kafka.py` has Maven fetch.

For trying, developing and testing: one node, no replicas. It is durable against the death of its
process, not of the machine: Kafka leaves syncing to the system and safety to replicas.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
from pathlib import Path

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import PartUnavailable
from feira.embedded.os_user import can_enter
from feira.embedded.ports import HOST, free_port
from feira.embedded.probes import accepts_tcp
from feira.embedded.process import ProcessSpec

NAME = "kafka"
READY_TIMEOUT_SECONDS = 120
SESSION_TIMEOUT_MS_MIN = 1_000
"""The shortest time after which a silent member of a group may be given up."""

QUICK = ("-XX:TieredStopAtLevel=1",)
"""Compiled once, and quickly: a node of one machine starts often and shares its processors."""

CONFIG = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{advertised_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms={session_timeout_ms_min}
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=2097152
log.index.size.max.bytes=262144
"""

START = """\
test -f {data}/meta.properties || {java} kafka.tools.StorageTool format -t {cluster} -c {config}
exec {java} kafka.Kafka {config}
"""


class EmbeddedKafka:
    """`jars_dir` holds Kafka's jars; see `scripts/kafka/pom.xml` for which.

    Clients are told to come to `advertised_port`, if that is another one than its own.
    """

    def __init__(
        self,
        data_dir: DataDir,
        port: int,
        jars_dir: Path,
        *,
        advertised_port: int | None = None,
        heap_megabytes_max: int = 512,
    ) -> None:
        self.port = port
        self._advertised_port = advertised_port or port
        self._data_dir = data_dir
        self._jars_dir = jars_dir.resolve()
        self._heap_megabytes_max = heap_megabytes_max

    async def prepare(self) -> list[ProcessSpec]:
        """Write the configuration; how to run the server. Raises `PartUnavailable`."""
        java = self._java()
        home = self._data_dir.part_dir(NAME)
        data = home / "data"
        text = CONFIG.format(
            host=HOST,
            port=self.port,
            advertised_port=self._advertised_port,
            controller_port=free_port(),
            data=data,
            session_timeout_ms_min=SESSION_TIMEOUT_MS_MIN,
        )
        config = self._data_dir.write_config(home / "server.properties", text)
        script = START.format(
            data=shlex.quote(str(data)),
            java=shlex.join(java),
            cluster=secrets.token_hex(8) + "-" * 6,  # 22 characters of base64
            config=shlex.quote(str(config)),
        )
        spec = ProcessSpec(
            name=NAME,
            argv=["/bin/sh", "-e", "-c", script],
            cwd=home,
            user=self._data_dir.user,
            before_start=lambda: self._make_data_dir(data),
            ready=accepts_tcp(self.port),
            ready_timeout_seconds=READY_TIMEOUT_SECONDS,
            stop_timeout_seconds=30,
        )
        return [spec]

    @property
    def url(self) -> str:
        return f"kafka://{HOST}:{self.port}"

    def _java(self) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise PartUnavailable("Kafka needs a Java runtime (17 or later), and there is no java.")
        if not any(self._jars_dir.glob("kafka_2.13-*.jar")):
            raise PartUnavailable(
                f"Kafka's jars are not in {self._jars_dir}. Have Maven fetch them: `make kafka`."
            )
        if not can_enter(self._data_dir.user, self._jars_dir):
            raise PartUnavailable(
                f"Kafka's jars in {self._jars_dir} cannot be read by the user that runs the parts "
                "when Feira is started as root. Name another place: FEIRA_KAFKA_JARS_DIR=<path>."
            )
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        heap = ("-Xms64m", f"-Xmx{self._heap_megabytes_max}m", "-XX:+UseSerialGC", *QUICK)
        return [java, *heap, quiet, "-cp", f"{self._jars_dir}/*"]

    def _make_data_dir(self, data: Path) -> None:
        """Before every start: whoever deletes its data may delete the directory too."""
        self._data_dir.owned_dir(data)
