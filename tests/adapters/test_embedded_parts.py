"""PostgreSQL, Valkey and NGINX from their wheels: started, closed, killed, and started again."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import permutations
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil
import pytest
import pytest_asyncio
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import ConfigRefused, PartUnavailable
from feira.embedded.nginx import EmbeddedNginx
from feira.embedded.os_user import OsUser
from feira.embedded.ports import HOST, free_port
from feira.embedded.postgres import EmbeddedPostgres
from feira.embedded.supervisor import Supervisor
from feira.embedded.valkey import EmbeddedValkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = ("orders", "payments", "catalog")
PARTS = ("postgres", "valkey", "nginx")
ROOT = Path(__file__).resolve().parents[2]
RUN_UNTIL_KILLED = """
import asyncio, sys
from tests.adapters.test_embedded_parts import run_until_killed
asyncio.run(run_until_killed(*sys.argv[1:]))
"""
LOST_CONNECTION = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # its words for a statement that meets the end of a connection
)


class Shop:
    """The three parts over one data directory; it can be stopped and started again."""

    def __init__(self, path: Path, ports: Sequence[int]) -> None:
        self.data_dir = DataDir(path, system_dir=path.parent / "system").create()
        self.gateway_port, postgres_port, valkey_port = ports
        self.postgres = EmbeddedPostgres(self.data_dir, postgres_port)
        self.valkey = EmbeddedValkey(self.data_dir, valkey_port)
        self.nginx = EmbeddedNginx(self.data_dir, self.gateway_saying("open"))
        self.supervisor = self._new_supervisor()
        self.dsn: dict[str, str] = {}

    async def start(self) -> None:
        self.supervisor = self._new_supervisor()
        await self.supervisor.evict_orphans()
        specs = await asyncio.gather(
            self.postgres.prepare(), self.valkey.prepare(), self.nginx.prepare()
        )
        await self.supervisor.start(*specs)
        self.dsn = await self.postgres.ensure_databases(SERVICES)

    async def stop(self) -> None:
        await self.supervisor.stop_all()

    def pid(self, part: str) -> int:
        pid = self.supervisor.pid_of(part)
        assert pid is not None, f"{part} does not run"
        return pid

    async def kill_and_wait_for_restart(self, part: str) -> None:
        killed = self.pid(part)
        os.kill(killed, signal.SIGKILL)

        async def restarted() -> bool:
            return self.supervisor.pid_of(part) not in {None, killed}

        await eventually(restarted)

    def gateway_saying(self, words: str) -> str:
        return f"""
            worker_processes 1;
            events {{ worker_connections 64; }}
            http {{
                access_log off;
                server {{
                    listen {HOST}:{self.gateway_port};
                    location / {{ return 200 '{words}'; }}
                }}
            }}
        """

    def _new_supervisor(self) -> Supervisor:
        return Supervisor(run_dir=self.data_dir.run_dir, log_dir=self.data_dir.log_dir)


@pytest.fixture(scope="module")
def open_dir() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's own: as root the parts need it."""
    path = Path(tempfile.mkdtemp(prefix="feira-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(open_dir: Path) -> AsyncIterator[Shop]:
    shop = Shop(open_dir / "data", [free_port() for _ in PARTS])
    try:
        await shop.start()
        yield shop
    finally:
        await shop.stop()


async def eventually(holds: Callable[[], Awaitable[bool]], timeout_seconds: float = 60.0) -> None:
    """Wait, within bounds, for something that happens in another process."""
    deadline = time.monotonic() + timeout_seconds
    while not await holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.02)


async def connect_patiently(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """As a service does while its database restarts."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await asyncpg.connect(dsn)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            assert time.monotonic() < deadline, "PostgreSQL did not come back"
            await asyncio.sleep(0.02)


async def query(dsn: str, statement: str) -> object:
    connection = await connect_patiently(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def execute(dsn: str, statement: str) -> None:
    connection = await connect_patiently(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def superuser(shop: Shop) -> str:
    sockets = quote(str(shop.data_dir.sockets_dir()), safe="/")
    return f"postgresql://postgres@/postgres?host={sockets}&port={shop.postgres.port}"


def over_tcp(dsn: str, shop: Shop) -> str:
    """The same address, by TCP instead of the socket."""
    return dsn.partition("?")[0].replace("@/", f"@{HOST}:{shop.postgres.port}/")


async def get(port: int) -> str:
    """The body of the page at /; empty when nobody answers."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return ""
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer.partition("\r\n\r\n")[2]


def processes_of(path: Path) -> list[psutil.Process]:
    """Every process that was started with, or works in, that directory."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.pid != os.getpid() and any(str(path) in word for word in words):
            found.append(process)
    return found


# -------------------------------------------------------------------------- all of them
async def test_each_part_answers(shop: Shop) -> None:
    assert await query(shop.dsn["orders"], "SELECT current_database()") == "orders"
    assert await get(shop.gateway_port) == "open"
    for url in (shop.valkey.url, shop.valkey.unix_url):
        async with Valkey.from_url(url) as client:
            assert await client.ping()


async def test_parts_listen_on_the_loopback_address_alone(shop: Shop) -> None:
    for part in PARTS:
        listening = [
            connection.laddr
            for connection in psutil.Process(shop.pid(part)).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert {address[:1] for address in listening} == {(HOST,)}, part


async def test_parts_do_not_run_as_root(shop: Shop) -> None:
    workers = psutil.Process(shop.pid("nginx")).children()
    assert workers
    for process in (psutil.Process(shop.pid("postgres")), psutil.Process(shop.pid("valkey"))):
        assert process.uids().effective != 0
    assert all(worker.uids().effective != 0 for worker in workers)


async def test_no_password_is_seen_from_outside(shop: Shop) -> None:
    secrets = [shop.data_dir.secret("valkey"), shop.data_dir.secret("postgres:orders")]
    for part in PARTS:
        command = " ".join(psutil.Process(shop.pid(part)).cmdline())
        assert not any(secret in command for secret in secrets)
    for file in shop.data_dir.path.glob("*/*.conf"):
        assert not file.stat().st_mode & 0o007, f"{file} is everybody's to read"


# --------------------------------------------------------------------------- PostgreSQL
@pytest.mark.parametrize(("role", "other"), list(permutations(SERVICES, 2)))
async def test_a_role_cannot_enter_another_services_database(
    shop: Shop, role: str, other: str
) -> None:
    address = shop.dsn[role].replace(f"@/{role}?", f"@/{other}?")
    assert address != shop.dsn[role]
    for dsn in (address, over_tcp(address, shop)):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match=r"pg_hba\.conf"):
            await asyncpg.connect(dsn)


@pytest.mark.parametrize("database", [*SERVICES, "postgres", "template1"])
async def test_nor_would_it_be_let_in_by_its_privileges(shop: Shop, database: str) -> None:
    """Behind the door of pg_hba.conf there is a second one, should the first be left open."""
    let_in = await query(
        superuser(shop),
        f"""SELECT array_agg(rolname::text) FROM pg_roles
            WHERE rolcanlogin AND NOT rolsuper
            AND has_database_privilege(rolname, '{database}', 'CONNECT')""",
    )
    assert let_in == ([database] if database in SERVICES else None)


async def test_a_role_owns_its_database_and_has_no_other_power(shop: Shop) -> None:
    await execute(shop.dsn["orders"], "CREATE TABLE owned (id int); DROP TABLE owned")
    for beyond in (
        "CREATE ROLE accomplice",
        "CREATE DATABASE hideout",
        "SET ROLE payments",
        "SELECT pg_read_file('postmaster.pid')",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute(shop.dsn["orders"], beyond)


async def test_nobody_gets_in_without_the_right_password(shop: Shop) -> None:
    wrong = shop.dsn["orders"].replace(shop.data_dir.secret("postgres:orders"), "guess")
    for dsn in (wrong, over_tcp(wrong, shop)):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
        await asyncpg.connect(over_tcp(superuser(shop), shop))


async def test_sqlalchemy_takes_the_same_address(shop: Shop) -> None:
    url = make_url(shop.dsn["catalog"].replace("://", "+asyncpg://", 1))
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    _, arguments = dialect.create_connect_args(url)  # type: ignore[no-untyped-call]

    connection = await asyncpg.connect(**arguments)

    assert await connection.fetchval("SELECT current_user") == "catalog"
    await connection.close()


async def test_a_commit_is_on_the_disk_and_text_knows_portuguese(shop: Shop) -> None:
    dsn = shop.dsn["catalog"]
    assert await query(dsn, "SHOW fsync") == "on"
    assert await query(dsn, "SHOW synchronous_commit") == "on"
    assert await query(dsn, "SHOW wal_level") == "logical"
    assert await query(dsn, "SHOW server_encoding") == "UTF8"
    assert await query(dsn, "SELECT lower('MAÇÃ')") == "maçã"


async def test_ensuring_databases_again_changes_nothing(shop: Shop) -> None:
    assert await shop.postgres.ensure_databases(SERVICES) == shop.dsn


async def test_acknowledged_rows_survive_a_killed_postgres(shop: Shop) -> None:
    await execute(shop.dsn["orders"], "CREATE TABLE placed (id int PRIMARY KEY)")
    connection = await asyncpg.connect(shop.dsn["orders"])
    acknowledged = 0

    async def place_orders() -> None:
        nonlocal acknowledged
        while True:
            await connection.execute("INSERT INTO placed VALUES ($1)", acknowledged + 1)
            acknowledged += 1

    async def some_are_acknowledged() -> bool:
        return acknowledged >= 50

    placing = asyncio.create_task(place_orders())
    await eventually(some_are_acknowledged)
    await shop.kill_and_wait_for_restart("postgres")
    with pytest.raises(LOST_CONNECTION):
        await placing
    connection.terminate()

    stored = await query(shop.dsn["orders"], "SELECT count(*) FROM placed")
    assert stored in {acknowledged, acknowledged + 1}, "the last one may lack its answer only"


async def test_a_postgres_that_was_started_by_hand_is_not_disturbed(shop: Shop) -> None:
    """Its working directory gives it away."""
    cluster = shop.data_dir.part_dir("postgres") / "data"
    spec = await shop.postgres.prepare()
    with pytest.raises(PartUnavailable, match=f"pid {shop.pid('postgres')}"):
        spec.before_start()
    assert (cluster / "postmaster.pid").exists()


# ------------------------------------------------------------------------------- Valkey
async def test_acknowledged_messages_survive_a_killed_valkey(shop: Shop) -> None:
    async with Valkey.from_url(shop.valkey.url) as client:
        ids = [await client.xadd("orders.events", {"number": n}) for n in range(100)]

    await shop.kill_and_wait_for_restart("valkey")

    async def answers() -> bool:
        try:
            async with Valkey.from_url(shop.valkey.url) as client:
                return bool(await client.ping())
        except ValkeyError:
            return False

    await eventually(answers)
    async with Valkey.from_url(shop.valkey.url) as client:
        assert [entry[0] for entry in await client.xrange("orders.events")] == ids


async def test_valkey_keeps_everything_and_evicts_nothing(shop: Shop) -> None:
    async with Valkey.from_url(shop.valkey.url) as client:
        config = await client.config_get("*")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"
    assert int(config["maxmemory"]) > 0


# -------------------------------------------------------------------------------- NGINX
async def test_a_killed_nginx_gets_its_port_back(shop: Shop) -> None:
    await shop.kill_and_wait_for_restart("nginx")

    async def answers() -> bool:
        return await get(shop.gateway_port) == "open"

    await eventually(answers)


async def test_nginx_goes_over_to_another_configuration(shop: Shop) -> None:
    master = shop.pid("nginx")
    await shop.nginx.reload(shop.gateway_saying("renewed"), shop.supervisor)

    async def says_the_new() -> bool:
        return await get(shop.gateway_port) == "renewed"

    await eventually(says_the_new)
    assert shop.pid("nginx") == master
    await shop.nginx.reload(shop.gateway_saying("open"), shop.supervisor)


async def test_a_wrong_configuration_is_refused_with_its_line(shop: Shop) -> None:
    with pytest.raises(ConfigRefused, match=r'unknown directive "listn".*:2') as refusal:
        await shop.nginx.reload("events {}\nhttp { server { listn 80; } }\n", shop.supervisor)
    assert "candidate.conf" in str(refusal.value)
    assert "listn" not in read(shop.data_dir.path / "nginx" / "nginx.conf")


def read(path: Path) -> str:
    return path.read_text()


# ---------------------------------------------------------------- the end, and once more
async def test_a_clean_stop_leaves_no_process_and_a_second_start_finds_its_data(
    shop: Shop,
) -> None:
    await execute(shop.dsn["payments"], "CREATE TABLE kept AS SELECT 42 AS answer")
    first_addresses = shop.dsn

    await shop.stop()
    assert processes_of(shop.data_dir.path) == []

    await shop.start()
    assert shop.dsn == first_addresses
    assert await query(shop.dsn["payments"], "SELECT answer FROM kept") == 42
    assert await get(shop.gateway_port) == "open"


async def test_a_stale_pid_file_that_names_a_neighbour_does_not_stop_postgres(shop: Shop) -> None:
    """In a container, numbers repeat: after a crash the old one may be somebody else's."""
    await shop.stop()
    user = shop.data_dir.user or OsUser.current()
    neighbour = await asyncio.create_subprocess_exec("sleep", "1000", user=user.uid)
    cluster = shop.data_dir.part_dir("postgres") / "data"
    write(cluster / "postmaster.pid", f"{neighbour.pid}\n{cluster}\n0\n5432\n")

    await shop.start()

    assert await query(shop.dsn["orders"], "SELECT 1") == 1
    neighbour.kill()
    await neighbour.wait()


async def test_a_killed_feira_starts_again_on_what_it_had_acknowledged(shop: Shop) -> None:
    await shop.stop()
    ports = (shop.gateway_port, shop.postgres.port, shop.valkey.port)
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", RUN_UNTIL_KILLED, str(shop.data_dir.path), *map(str, ports)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"acknowledged\n"
    killed.kill()
    await killed.wait()

    await shop.start()

    assert await query(shop.dsn["orders"], "SELECT answer FROM before_the_kill") == 42
    async with Valkey.from_url(shop.valkey.url) as client:
        assert await client.xlen("before.the.kill") == 1
    assert await get(shop.gateway_port) == "open"


async def run_until_killed(path: str, *ports: str) -> None:
    """What the killed process does: start all, write something, say so, and go on for ever."""
    shop = Shop(Path(path), [int(port) for port in ports])
    await shop.start()
    await execute(shop.dsn["orders"], "CREATE TABLE before_the_kill AS SELECT 42 AS answer")
    async with Valkey.from_url(shop.valkey.url) as client:
        await client.xadd("before.the.kill", {"answer": 42})
    sys.stdout.write("acknowledged\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def write(path: Path, words: str) -> None:
    path.write_text(words)
