"""The unprivileged user that owns the data and runs the parts when Feira is started as root.

PostgreSQL refuses to run as root, and nothing that listens should. `nobody` exists everywhere; but
it cannot enter a private directory such as root's home, so whoever places a file for it asks first.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from feira.embedded.errors import PartUnavailable

UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True, slots=True)
class OsUser:
    """A user of the operating system, with its primary group."""

    name: str
    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> OsUser:
        """Raises `PartUnavailable` when the system has no such user."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError as error:
            raise PartUnavailable(
                f"The parts do not run as root, and this system has no user {name} to run them. "
                "Add that user, or start Feira without root."
            ) from error
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def current(cls) -> OsUser:
        uid = os.geteuid()
        return cls(name_of(uid), uid, os.getegid())


def name_of(uid: int) -> str:
    """The user's name, or its number where the system knows no name (a container's bare uid)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name_of(gid: int) -> str:
    """The same for a group."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def service_user(existing_data: Path) -> OsUser | None:
    """Who shall run the parts: None means as we are, which is right whenever we are not root.

    As root it is the owner of `existing_data`, so that `sudo` works on a directory made without it;
    otherwise `nobody`.
    """
    if os.geteuid() != 0:
        return None
    try:
        owner = existing_data.stat()
    except (FileNotFoundError, NotADirectoryError):
        return OsUser.named(UNPRIVILEGED_USER)
    if owner.st_uid == 0:
        return OsUser.named(UNPRIVILEGED_USER)
    return OsUser(name_of(owner.st_uid), owner.st_uid, owner.st_gid)


def can_enter(user: OsUser | None, directory: Path) -> bool:
    """Whether the user may traverse the directory and all that lead to it, by their mode bits."""
    if user is None:
        return True
    resolved = directory.resolve()
    return all(_grants(user, place, stat.S_IXOTH) for place in (resolved, *resolved.parents))


def can_run(user: OsUser | None, program: Path) -> bool:
    """Whether the user may read and execute the program where it lies."""
    if user is None:
        return True
    return can_enter(user, program.parent) and _grants(user, program, stat.S_IROTH | stat.S_IXOTH)


def _grants(user: OsUser, path: Path, wanted_of_others: int) -> bool:
    facts = path.stat()
    if facts.st_uid == user.uid:
        wanted = wanted_of_others << 6
    elif facts.st_gid == user.gid:
        wanted = wanted_of_others << 3
    else:
        wanted = wanted_of_others
    return facts.st_mode & wanted == wanted
