"""A single RabbitMQ (3.9 or later, for its streams), as the system's packages install it.

Beside it runs its own Erlang port mapper on its own port, supervised like all: the one that Erlang
would start by itself is a daemon that outlives everything, and is shared by the whole machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import PartUnavailable
from feira.embedded.ports import HOST, free_port
from feira.embedded.probes import accepts_tcp
from feira.embedded.process import ProcessSpec

NAME = "rabbitmq"
MAPPER_NAME = "rabbitmq-epmd"
USER = "feira"
READY_TIMEOUT_SECONDS = 180

SERVERS = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",  # Debian; the one on PATH would change the user
    "/usr/lib/rabbitmq/sbin/rabbitmq-server",
    "/opt/homebrew/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
)

CONFIG = """\
listeners.tcp.1 = {host}:{port}
default_user = {user}
default_pass = {password}
loopback_users = none
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = {memory_megabytes_max}MB
disk_free_limit.absolute = 64MB
"""
PLUGINS = "[].\n"
COOKIE = ".erlang.cookie"
TABLES = "mnesia"
STREAMS = "*/stream/*"
# two schedulers that do not spin while there is nothing to do
ERLANG_ARGUMENTS = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


class EmbeddedRabbitMq:
    def __init__(self, data_dir: DataDir, port: int, *, memory_megabytes_max: int = 512) -> None:
        self.port = port
        self._data_dir = data_dir
        self._memory_megabytes_max = memory_megabytes_max

    async def prepare(self) -> list[ProcessSpec]:
        """Write the configuration; how to run the port mapper and the server, in this order.

        Raises `PartUnavailable`.
        """
        server, mapper = _server(), _mapper()
        home = self._data_dir.part_dir(NAME)
        data, mapper_port = home / "data", free_port()
        config = self._data_dir.write_config(home / "rabbitmq.conf", self._config())
        plugins = self._data_dir.write_config(home / "enabled_plugins", PLUGINS)
        environment = {
            **self._environment(data, mapper_port),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        }
        user = self._data_dir.user
        return [
            ProcessSpec(
                name=MAPPER_NAME,
                argv=[mapper, "-port", str(mapper_port), "-address", HOST],
                cwd=home,
                user=user,
                ready=accepts_tcp(mapper_port),
            ),
            ProcessSpec(
                name=NAME,
                argv=[server],
                env=environment,
                cwd=home,
                user=user,
                before_start=lambda: self._make_data_dir(data),
                ready=accepts_tcp(self.port),
                ready_timeout_seconds=READY_TIMEOUT_SECONDS,
                stop_timeout_seconds=30,
            ),
        ]

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self._password}@{HOST}:{self.port}/"

    @property
    def _password(self) -> str:
        return self._data_dir.secret(NAME)

    def _config(self) -> str:
        return CONFIG.format(
            host=HOST,
            port=self.port,
            user=USER,
            password=self._password,
            memory_megabytes_max=self._memory_megabytes_max,
        )

    def _environment(self, data: Path, mapper_port: int) -> dict[str, str]:
        """Everything that RabbitMQ would otherwise look for in the system's folders."""
        return {
            "HOME": str(data),  # its Erlang cookie lies there
            "ERL_EPMD_PORT": str(mapper_port),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": f"feira-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # the script becomes the server, so that signals reach it and not a shell before it
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_MNESIA_BASE": str(data / TABLES),
            "RABBITMQ_LOG_BASE": str(data / "log"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{ERLANG_ARGUMENTS} {LOOPBACK_ONLY}",
        }

    def _make_data_dir(self, data: Path) -> None:
        """Before every start: whoever deletes its data may delete the directory too.

        A cookie that Erlang could not write, the disk being full, would keep it from ever starting.
        A first start that was killed would keep it from ever serving: its user is made, and its
        streams are enabled, in that one alone. Where there is no stream nothing has been kept yet,
        and the next start is a first one again.
        """
        self._data_dir.owned_dir(data)
        cookie = data / COOKIE
        if cookie.exists() and cookie.stat().st_size == 0:
            cookie.unlink()
        tables = data / TABLES
        if tables.exists() and not any(tables.glob(STREAMS)):
            shutil.rmtree(tables)


def _server() -> str:
    found = [path for path in SERVERS if Path(path).exists()]
    if not found:
        raise PartUnavailable(
            "RabbitMQ is not installed (Debian: rabbitmq-server). Install it, or name the URL of "
            "a server of your own: FEIRA_BROKER=amqp://user:password@host:5672/."
        )
    return found[0]


def _mapper() -> str:
    found = shutil.which("epmd")
    if found is None:
        raise PartUnavailable("RabbitMQ needs Erlang, and there is no epmd on PATH.")
    return found
