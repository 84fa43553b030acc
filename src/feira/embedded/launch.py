"""Turn into a supervised program: run as a script by the supervisor, standard library only.

    launch.py PARENT_PID LOCK_FILE STOP_SIGNAL USER PROGRAM [ARGUMENT]...

Done here rather than after a fork inside the supervisor, which has threads and so may deadlock.
The program inherits the lock file's descriptor: as long as it, or a child of it, lives, the lock is
held, and the next supervisor knows. USER is `uid:gid`, or `-` to stay as we are.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
LOCK_ATTEMPTS_MAX = 100
LOCK_RETRY_SECONDS = 0.02


def take_lock(path: str, stop_signal: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(LOCK_ATTEMPTS_MAX):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:  # somebody only looks whether it is held, for a moment
            time.sleep(LOCK_RETRY_SECONDS)
    else:
        sys.exit(f"{path} is held by another process")
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()} {stop_signal}\n".encode())
    os.set_inheritable(descriptor, True)


def become(user: str) -> None:
    if user == "-":
        return
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with(parent_pid: int, stop_signal: int) -> None:
    """Ask Linux for the stop signal when the supervisor ends, however it does.

    After `become`, since a change of user clears the request. Elsewhere the lock must serve.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit("the supervisor is gone")


def main(arguments: list[str]) -> None:
    parent_pid, lock_path, stop_signal, user, *program = arguments
    os.setsid()  # Ctrl-C at the terminal is the supervisor's to handle, in its order
    take_lock(lock_path, int(stop_signal))
    become(user)
    die_with(int(parent_pid), int(stop_signal))
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
