"""Where the embedded shop keeps its things.

    .feira/
      lock               held by the running Feira: its process id and address
      secrets.json       generated passwords, mode 0600
      log/<name>.log     what each process says
      run/<name>.lock    held by each process for as long as it lives
      sockets/           Unix sockets
      postgres/ valkey/ nginx/

Started as root, the parts run as another user. A directory that this user cannot enter (say that
`.feira` lies in root's home), or a socket path longer than the kernel takes, is made elsewhere, and
a symbolic link stands in its place: data below `/var/lib/feira` (`FEIRA_SYSTEM_DIR`), sockets there
too, or in the temporary directory when we are not root.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from feira.embedded.data_lock import DataLock, RunningFeira
from feira.embedded.errors import DataDirUnusable
from feira.embedded.os_user import OsUser, can_enter, service_user
from feira.embedded.secrets_file import SecretsFile

SYSTEM_DIR_SETTING = "FEIRA_SYSTEM_DIR"
SYSTEM_DIR_DEFAULT = "/var/lib/feira"

# sun_path holds 104 bytes on macOS, 108 on Linux, NUL included; PostgreSQL has the longest name.
SOCKET_PATH_BYTES_MAX = 103
LONGEST_SOCKET_NAME = ".s.PGSQL.65535"

PRIVATE = 0o700
PASSABLE = 0o711
"""Others may go through, to what is theirs, but not look around."""


class DataDir:
    """A data directory; nothing is touched before `create`.

    `user` is whom the parts run as: None when that is ourselves.
    """

    def __init__(self, path: Path, *, system_dir: Path | None = None) -> None:
        self.path = path.resolve()
        self.system_dir = system_dir or Path(os.environ.get(SYSTEM_DIR_SETTING, SYSTEM_DIR_DEFAULT))
        self.user: OsUser | None = service_user(self.path / "postgres" / "data")
        self._lock = DataLock(self.path / "lock")
        self._secrets = SecretsFile(self.path / "secrets.json")

    @property
    def log_dir(self) -> Path:
        return self.path / "log"

    @property
    def run_dir(self) -> Path:
        return self.path / "run"

    def create(self) -> DataDir:
        """Make what is missing. Raises `DataDirUnusable` when it is not ours to write."""
        try:
            make_dir(self.path, PASSABLE if self.user else PRIVATE)
            make_dir(self.log_dir, PRIVATE)
            make_dir(self.run_dir, PRIVATE)
        except OSError as error:
            raise DataDirUnusable(
                f"The data directory {self.path} cannot be used: {error}. "
                "If another user made it (sudo?), give it to this one with chown -R, "
                "or choose another directory."
            ) from error
        return self

    def secret(self, name: str) -> str:
        """The password of that name, generated when it is asked for the first time."""
        return self._secrets.get(name)

    def part_dir(self, name: str) -> Path:
        """The directory of a part: ours to write, and `user` may pass through it."""
        place = self.path / name
        if place.is_symlink() and not place.exists():
            raise DataDirUnusable(
                f"The data of {name} is gone: {place} points to {place.readlink()}, which does not "
                "exist. Bring it back, or remove the link to start with nothing."
            )
        if not place.exists():
            self._make_part(place)
        real = place.resolve()
        if not can_enter(self.user, real):
            raise DataDirUnusable(
                f"{real} cannot be entered by {_name(self.user)}, who runs the parts when Feira is "
                "started as root. Allow it (chmod o+x on it and the directories above), or move it."
            )
        return real

    def sockets_dir(self) -> Path:
        """A directory with a short path where the parts, running as `user`, make their sockets."""
        place = self.path / "sockets"
        if not place.is_symlink() and not self._suits_sockets(place):
            shutil.rmtree(
                place, ignore_errors=True
            )  # it suited an earlier run; sockets do not last
            place.symlink_to(self._sockets_outside())
        real = place.readlink() if place.is_symlink() else place
        real.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        self._ensure_ours(real)
        return self.owned_dir(real)

    def owned_dir(self, path: Path) -> Path:
        """A private directory of `user`: for data that only the part itself touches."""
        make_dir(path, PRIVATE)
        path.chmod(PRIVATE)
        if self.user:
            os.chown(path, self.user.uid, self.user.gid)
        return path

    def write_config(self, path: Path, text: str) -> Path:
        """Replace a file that `user` may read but not change; no other may, for its passwords."""
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            if self.user:
                os.fchown(descriptor, -1, self.user.gid)
                os.fchmod(descriptor, 0o640)
        new.replace(path)
        return path

    def locked(self, address: str) -> AbstractContextManager[None]:
        """Hold the directory; `address` is what a second Feira is told of this one.

        Raises `AlreadyRunning`.
        """
        return self._lock.held(address)

    def running(self) -> RunningFeira | None:
        """Who works on this directory now; None when nobody does."""
        return self._lock.holder()

    def _make_part(self, place: Path) -> None:
        if can_enter(self.user, self.path):
            make_dir(place, PASSABLE if self.user else PRIVATE)
        else:
            place.symlink_to(self.outside(f"{place.name}-{secrets.token_hex(6)}"))

    def outside(self, name: str) -> Path:
        """A directory below the system directory, which `user` can enter. Only root needs one."""
        place = self.system_dir / name
        try:
            make_dir(self.system_dir, 0o755)
            make_dir(place, PASSABLE)
        except OSError as error:
            raise self._no_place_outside(str(error)) from error
        if not can_enter(self.user, place):
            raise self._no_place_outside(f"{_name(self.user)} cannot enter {place}")
        return place

    def _no_place_outside(self, why: str) -> DataDirUnusable:
        return DataDirUnusable(
            f"{_name(self.user)}, who runs the parts when Feira is started as root, cannot work in "
            f"{self.path}, nor in {self.system_dir}: {why}. "
            f"Set {SYSTEM_DIR_SETTING} to a directory that it may enter."
        )

    def _suits_sockets(self, place: Path) -> bool:
        path_bytes = len(os.fsencode(place / LONGEST_SOCKET_NAME))
        return path_bytes <= SOCKET_PATH_BYTES_MAX and can_enter(self.user, self.path)

    def _ensure_ours(self, sockets: Path) -> None:
        """The temporary directory is everybody's: another user may have been there first."""
        facts = sockets.lstat()
        owners = {os.geteuid(), self.user.uid if self.user else os.geteuid()}
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in owners:
            raise DataDirUnusable(f"{sockets}, meant for sockets, is another user's. Remove it.")

    def _sockets_outside(self) -> Path:
        token = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        if self.user:
            return self.outside(f"sockets-{token}")
        return Path(tempfile.gettempdir()) / f"feira-{os.geteuid()}-{token}"


def make_dir(path: Path, mode: int) -> None:
    """Make a directory, and those above it, with exactly that mode whatever the umask.

    One that is there already keeps its mode: it may be somebody's, even the temporary directory.
    """
    if not path.is_dir():
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        path.chmod(mode)


def _name(user: OsUser | None) -> str:
    return user.name if user else "this user"
