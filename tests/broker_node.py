"""A Kafka or RabbitMQ that lives for a whole session of tests, and may be killed in between."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from feira.embedded.local_broker import BrokerKind, LocalBroker

JARS = Path(__file__).resolve().parents[1] / ".cache" / "kafka"


class BrokerNode:
    """Its supervisor has a thread and an event loop of its own: each test has another loop."""

    def __init__(self, kind: BrokerKind, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"{kind} node", daemon=True)
        self._thread.start()
        self._broker = LocalBroker(kind, folder, jars_dir=JARS)
        self._runs = False

    @property
    def url(self) -> str:
        return self._broker.url

    async def start(self) -> None:
        if not self._runs:
            await asyncio.wrap_future(self._begin(self._broker.start()))
            self._runs = True

    async def kill(self) -> None:
        """No goodbye; its data stay, and so does its port."""
        await asyncio.wrap_future(self._begin(self._broker.kill()))
        self._runs = False

    async def stop(self) -> None:
        """An orderly end; its data stay, and so does its port."""
        await asyncio.wrap_future(self._begin(self._broker.stop()))
        self._runs = False

    def close(self) -> None:
        self._begin(self._broker.stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


@contextmanager
def broker_node(kind: BrokerKind) -> Iterator[BrokerNode]:
    """Not started yet."""
    # Not pytest's own folder, which is private: as root the parts run as another user.
    folder = Path(tempfile.mkdtemp(prefix=f"feira-{kind}-"))
    folder.chmod(0o711)
    node = BrokerNode(kind, folder)
    try:
        yield node
    finally:
        node.close()
        shutil.rmtree(folder, ignore_errors=True)
