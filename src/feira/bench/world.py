"""A throw-away shop to measure: in the folder for temporary files (`TMPDIR`), on free ports."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from feira.bench.load import post
from feira.chassis.auth.keys import load_signing_key
from feira.chassis.auth.signer import TokenSigner
from feira.embedded.data_dir import DataDir
from feira.embedded.errors import PortTaken
from feira.embedded.ports import ensure_port_free
from feira.embedded.postgres_databases import SUPERUSER
from feira.embedded.process import ignore_event
from feira.kernel.clock import SystemClock
from feira.runtime.registry import SERVICES
from feira.runtime.shop import Shop
from feira.runtime.shop_settings import PROCESSES_DEFAULT, ShopSettings

CUSTOMERS: Final = 200
FIRST_CUSTOMER: Final = 1_000_000
ADMIN_ID: Final = 999_999
PRODUCTS: Final = 198
PORT_MIN: Final = 21_000
PORT_MAX: Final = 30_000
PASSABLE: Final = 0o711
ORDER: Final = (
    b'{"itens":[{"id":%d,"quantity":1}],"delivery":{"address":{"street":"Rua Exemplo",'
    b'"number":"10A","city":"S\xc3\xa3o Paulo","state":"SP","country":"Brazil",'
    b'"zipcode":"00000000"}},"payment":{"method":"card","token":"tok_visa"}}'
)


class World:
    """A running shop, and ways to ask it things from outside."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        key = load_signing_key(shop.data_dir.path / "keys" / "signing.json")
        self._signer = TokenSigner(key, "feira", "feira", SystemClock())
        self._tokens = self.customer_tokens(CUSTOMERS, FIRST_CUSTOMER)

    def customer_tokens(self, count: int, first_customer: int) -> list[str]:
        """A token each for so many customers."""
        ids = range(first_customer, first_customer + count)
        return [self._signer.sign(n, "customer", f"bench-{n}") for n in ids]

    def admin_token(self) -> str:
        return self._signer.sign(ADMIN_ID, "admin", "bench-admin")

    @property
    def port(self) -> int:
        return self.shop.settings.port

    def superuser_dsn(self, database: str) -> str:
        place = f"host={self.shop.data_dir.sockets_dir()}&port={self.shop.settings.postgres_port}"
        return f"postgresql://{SUPERUSER}@/{database}?{place}"

    async def connect(self, service: str) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(self.superuser_dsn(service))

    def orders(self, count: int, label: str, product_id: int | None = None) -> list[bytes]:
        """Requests for orders that pay at once, each with an idempotency key of its own."""
        return [
            post(
                "/orders",
                self._tokens[n % CUSTOMERS],
                ORDER % (product_id or 1 + n % PRODUCTS),
                f"{label}-{n}",
            )
            for n in range(count)
        ]

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time by supervised process, its children included."""
        return {name: sum(_cpu(p) for p in family) for name, family in self._families().items()}

    def resident_megabytes(self) -> dict[str, float]:
        """Memory by supervised process: what is its own, and its share of what is shared."""
        return {
            name: sum(_resident_bytes(p) for p in family) / 2**20
            for name, family in self._families().items()
        }

    def _families(self) -> Mapping[str, list[psutil.Process]]:
        families = {}
        for name in self.shop.process_names():
            pid = self.shop.supervisor.pid_of(name)
            if pid is not None:
                process = psutil.Process(pid)
                families[name] = [process, *process.children(recursive=True)]
        return families


def _resident_bytes(process: psutil.Process) -> int:
    try:
        pss: int = process.memory_full_info().pss
    except psutil.NoSuchProcess:  # a worker that PostgreSQL had started for a moment
        return 0
    return pss


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # counted among its parent's children from now on
        return 0.0
    return times.user + times.system + times.children_user + times.children_system


@asynccontextmanager
async def world(processes: str = PROCESSES_DEFAULT, *, seed: bool = True) -> AsyncIterator[World]:
    """A shop that is open, seeded with 200 products; its rate limit is off."""
    with _environment_of_its_own(), tempfile.TemporaryDirectory(prefix="feira-bench-") as folder:
        Path(folder).chmod(PASSABLE)  # noqa: ASYNC240 - nothing else runs yet
        settings = _settings(Path(folder), processes, seed=seed)
        shop = Shop(settings, DataDir(settings.data_dir).create(), ignore_event)
        try:
            await shop.start(lambda _what: None)
            yield World(shop)
        finally:
            await shop.supervisor.stop_all()


@contextmanager
def _environment_of_its_own() -> Iterator[None]:
    """What a measurement takes over of a shop's environment must not reach the next shop."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _settings(folder: Path, processes: str, *, seed: bool) -> ShopSettings:
    first = _free_ports(len(SERVICES) + 5)
    return ShopSettings(
        data_dir=folder / "feira",
        port=first,
        postgres_port=first + 1,
        valkey_port=first + 2,
        sandbox_port=first + 3,
        broker_port=first + 4,
        services_port=first + 5,
        processes=processes,
        seed=seed,
        rate_limit=False,
    )


def _free_ports(count: int) -> int:
    """The first of so many free ports in a row, below those that connections are given."""
    for first in range(PORT_MIN, PORT_MAX, count):
        if all(_is_free(first + n) for n in range(count)):
            return first
    raise RuntimeError("no ports are free")


def _is_free(port: int) -> bool:
    try:
        ensure_port_free(port, "a benchmark", "nothing")
    except PortTaken:
        return False
    return True
