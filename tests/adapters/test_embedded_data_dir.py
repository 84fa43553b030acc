"""The data directory: its lock, its secrets, and where the parts' user can get at it."""

import errno
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feira.embedded.data_dir import SOCKET_PATH_BYTES_MAX, DataDir
from feira.embedded.errors import AlreadyRunning, DataDirUnusable, PartUnavailable, PortTaken
from feira.embedded.log_file import LogFile
from feira.embedded.os_user import OsUser, can_enter, can_run
from feira.embedded.ports import ensure_port_free, free_port
from feira.embedded.programs import Wheel, program_of, runnable_program_of

ANOTHER_FEIRA = """
import sys
from pathlib import Path
from feira.embedded.data_dir import DataDir
with DataDir(Path(sys.argv[1])).create().locked("http://127.0.0.1:8000"):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="feira-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stranger() -> OsUser:
    """Somebody who owns nothing here."""
    return OsUser("stranger", uid=os.getuid() + 12345, gid=os.getgid() + 12345)


@pytest.fixture
def another_feira(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of `tmp_path / "data"`."""
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_FEIRA, str(tmp_path / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


# ------------------------------------------------------------------------- the lock
def test_a_second_feira_is_told_where_the_first_one_is(
    tmp_path: Path, another_feira: subprocess.Popen[str]
) -> None:
    data_dir = DataDir(tmp_path / "data").create()

    with pytest.raises(AlreadyRunning) as refusal, data_dir.locked("http://127.0.0.1:9000"):
        pass

    assert refusal.value.pid == another_feira.pid
    assert refusal.value.address == "http://127.0.0.1:8000"
    assert "http://127.0.0.1:8000" in str(refusal.value)
    assert str(data_dir.path) in str(refusal.value)


def test_who_runs_can_be_asked(tmp_path: Path, another_feira: subprocess.Popen[str]) -> None:
    running = DataDir(tmp_path / "data").running()
    assert running is not None
    assert (running.pid, running.address) == (another_feira.pid, "http://127.0.0.1:8000")


def test_the_lock_of_a_killed_feira_is_taken_over(
    tmp_path: Path, another_feira: subprocess.Popen[str]
) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    another_feira.send_signal(signal.SIGKILL)
    another_feira.wait()

    assert data_dir.running() is None
    with data_dir.locked("http://127.0.0.1:9000"):
        running = data_dir.running()
        assert running is not None
        assert running.address == "http://127.0.0.1:9000"


def test_a_lock_without_a_word_in_it_still_refuses(
    tmp_path: Path, another_feira: subprocess.Popen[str]
) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    (data_dir.path / "lock").write_text("")

    with (
        pytest.raises(AlreadyRunning, match=r"already runs on .*another process"),
        data_dir.locked("http://127.0.0.1:9000"),
    ):
        pass


# ---------------------------------------------------------------------- the secrets
def test_a_secret_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    first = DataDir(tmp_path / "data").create().secret("valkey")

    assert DataDir(tmp_path / "data").secret("valkey") == first
    assert DataDir(tmp_path / "data").secret("postgres:orders") != first
    assert len(first) == 32
    secrets_file = tmp_path / "data" / "secrets.json"
    assert stat.S_IMODE(secrets_file.stat().st_mode) == 0o600
    assert json.loads(secrets_file.read_text())["valkey"] == first


def test_secrets_asked_for_at_once_agree(tmp_path: Path) -> None:
    DataDir(tmp_path / "data").create()
    names = ["one", "two", "three"] * 10
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: DataDir(tmp_path / "data").secret(name), names))

    assert len(set(zip(names, answers, strict=True))) == 3


def test_broken_secrets_are_named_rather_than_replaced(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    (data_dir.path / "secrets.json").write_text("{")
    with pytest.raises(DataDirUnusable, match=r"secrets\.json cannot be read"):
        data_dir.secret("valkey")


# ----------------------------------------------------------- where the parts' user can go
def test_a_private_directory_is_closed_to_others(
    tmp_path: Path, open_dir: Path, stranger: OsUser
) -> None:
    tmp_path.chmod(0o700)
    assert not can_enter(stranger, tmp_path)
    assert can_enter(stranger, open_dir)
    assert can_enter(None, tmp_path), "without another user it is our own directory"


def test_parts_lie_in_the_data_directory_when_their_user_can_enter_it(
    open_dir: Path, stranger: OsUser
) -> None:
    data_dir = DataDir(open_dir / "data", system_dir=open_dir / "system")
    data_dir.user = stranger
    data_dir.create()

    assert data_dir.part_dir("valkey") == open_dir / "data" / "valkey"
    assert not (open_dir / "system").exists()


def test_parts_lie_outside_when_their_user_cannot_enter(
    tmp_path: Path, open_dir: Path, stranger: OsUser
) -> None:
    tmp_path.chmod(0o700)
    data_dir = DataDir(tmp_path / "data", system_dir=open_dir / "system")
    data_dir.user = stranger
    data_dir.create()

    place = data_dir.part_dir("valkey")

    assert place.parent == open_dir / "system"
    assert can_enter(stranger, place)
    assert (tmp_path / "data" / "valkey").readlink() == place
    assert data_dir.part_dir("valkey") == place, "and stay there"


def test_data_that_has_gone_is_not_replaced_by_nothing(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    (data_dir.path / "postgres").symlink_to(tmp_path / "unmounted")
    with pytest.raises(DataDirUnusable, match="The data of postgres is gone"):
        data_dir.part_dir("postgres")


def test_no_place_at_all_is_said_with_its_way_out(tmp_path: Path, stranger: OsUser) -> None:
    tmp_path.chmod(0o700)
    data_dir = DataDir(tmp_path / "data", system_dir=tmp_path / "system")
    data_dir.user = stranger
    data_dir.create()
    with pytest.raises(DataDirUnusable, match="Set FEIRA_SYSTEM_DIR"):
        data_dir.part_dir("valkey")


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataDirUnusable, match="cannot be used"):
        DataDir(tmp_path / "data").create()


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o1777)  # as the temporary directory's, should somebody choose it
    DataDir(tmp_path / "data").create()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o1777


def test_sockets_have_short_paths(open_dir: Path) -> None:
    deep = open_dir / ("d" * 120)
    deep.mkdir(mode=0o711)
    short = DataDir(open_dir / "data").create().sockets_dir()
    elsewhere = DataDir(deep / "data", system_dir=open_dir / "system").create().sockets_dir()

    assert short == open_dir / "data" / "sockets"
    assert not elsewhere.is_relative_to(deep)
    for place in (short, elsewhere):
        name = place / ".s.PGSQL.65535"
        assert len(os.fsencode(name)) <= SOCKET_PATH_BYTES_MAX
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(name))
    shutil.rmtree(elsewhere)


def test_sockets_move_when_their_place_does_not_suit_any_more(
    tmp_path: Path, open_dir: Path, stranger: OsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "chown", lambda *_: None)  # which only root may
    tmp_path.chmod(0o700)
    data_dir = DataDir(tmp_path / "data", system_dir=open_dir / "system")
    data_dir.user = stranger
    data_dir.create()
    (data_dir.path / "sockets").mkdir()

    place = data_dir.sockets_dir()

    assert place.parent == open_dir / "system"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert data_dir.sockets_dir() == place


def test_sockets_are_not_put_in_somebody_elses_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    data_dir.user = None
    (data_dir.path / "sockets").mkdir()
    our_uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: our_uid + 1)
    with pytest.raises(DataDirUnusable, match="is another user's"):
        data_dir.sockets_dir()


def test_sockets_do_not_follow_a_link_that_somebody_laid(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    trap = tmp_path / "trap"
    trap.symlink_to(tmp_path)
    (data_dir.path / "sockets").symlink_to(trap)
    with pytest.raises(DataDirUnusable, match="is another user's"):
        data_dir.sockets_dir()


# --------------------------------------------------------------------- the programs
@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """An installed wheel with a program, in a private directory."""
    tmp_path.chmod(0o700)
    package = tmp_path / "site" / "fake_server"
    (package / "bin" / "machine").mkdir(parents=True)
    (package / "__init__.py").touch()
    program = package / "bin" / "machine" / "server"
    program.write_text("#!/bin/sh\necho I serve\n")
    program.chmod(0o700)
    (tmp_path / "site" / "fake_server.libs").mkdir()
    (tmp_path / "site" / "fake_server.libs" / "libneeded.so").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "1.2")
    return Wheel("fake-server", "fake_server", "bin/*/server")


def test_a_program_that_we_run_ourselves_stays_where_it_is(tmp_path: Path, wheel: Wheel) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    data_dir.user = None
    assert runnable_program_of(wheel, data_dir) == program_of(wheel)


def test_a_program_that_its_user_cannot_read_is_copied_once(
    tmp_path: Path, open_dir: Path, wheel: Wheel, stranger: OsUser
) -> None:
    data_dir = DataDir(tmp_path / "data", system_dir=open_dir / "system").create()
    data_dir.user = stranger
    assert not can_run(stranger, program_of(wheel))

    copy = runnable_program_of(wheel, data_dir)

    assert can_run(stranger, copy)
    assert copy.is_relative_to(open_dir / "system" / "programs" / "fake-server-1.2")
    assert (copy.parents[3] / "fake_server.libs" / "libneeded.so").exists()
    assert subprocess.check_output([copy], text=True) == "I serve\n"
    made_at = copy.stat().st_ctime_ns
    assert runnable_program_of(wheel, data_dir).stat().st_ctime_ns == made_at


def test_a_wheel_that_is_not_installed_is_named() -> None:
    with pytest.raises(PartUnavailable, match="no-such-wheel is not installed"):
        program_of(Wheel("no-such-wheel", "no_such_wheel", "bin/server"))


# ------------------------------------------------------------------- ports and logs
def test_a_taken_port_is_named_with_who_wants_it_and_how_to_move_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken) as refusal:
            ensure_port_free(port, "the gateway", "FEIRA_GATEWAY_PORT")

    message = str(refusal.value)
    assert f"Port {port} on 127.0.0.1, wanted by the gateway, is taken" in message
    assert f"pid {os.getpid()}" in message
    assert "FEIRA_GATEWAY_PORT=<port>" in message


def test_a_port_that_only_root_may_use_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(PortTaken, match=r"Port 80, .* needs more rights.*FEIRA_GATEWAY_PORT"):
        ensure_port_free(80, "the gateway", "FEIRA_GATEWAY_PORT")


def test_a_free_port_is_let_be() -> None:
    port = free_port()
    ensure_port_free(port, "the gateway", "FEIRA_GATEWAY_PORT")
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_free_port_is_given_out_once() -> None:
    """Whoever asked first may not listen yet."""
    assert len({free_port() for _ in range(500)}) == 500


def test_a_large_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "shop.log", size_bytes_max=20)
    with os.fdopen(log.open_for_append(), "wb", buffering=0) as writer:
        writer.write(b"a short line\n")
        assert not log.rotate_if_large()
        writer.write(b"and a longer one\n")
        assert log.rotate_if_large()
        writer.write(b"the last\n")

    assert (tmp_path / "shop.log.1").read_text() == "a short line\nand a longer one\n"
    assert (tmp_path / "shop.log").read_text() == "the last\n"


def test_the_tail_of_a_log_is_of_the_last_start_only(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "shop.log", size_bytes_max=1_000_000)
    for start in ("first", "second"):
        with os.fdopen(log.open_for_append(), "w") as writer:
            writer.writelines(f"{start} {line}\n" for line in range(3))

    assert log.tail(lines_max=2) == "second 1\nsecond 2"
    assert log.tail() == "second 0\nsecond 1\nsecond 2"
