"""A program that is run to its end, under the same rules as a supervised one."""

from __future__ import annotations

import asyncio
import os

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import PartUnavailable
from feira.embedded.process import ProcessSpec, ending
from feira.embedded.process_lock import ProcessLock
from feira.embedded.supervised import kill_group, launch_command

OUTPUT_LINES_MAX = 12


async def run_to_end(spec: ProcessSpec, data_dir: DataDir) -> None:
    """Run it; raise `PartUnavailable`, with its last lines, when it fails.

    A run that was cut short by the end of its supervisor is ended first.
    """
    lock = ProcessLock(data_dir.run_dir / f"{spec.name}.lock")
    await lock.evict(spec.stop_timeout_seconds)
    process = await asyncio.create_subprocess_exec(
        *launch_command(spec, lock.path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=spec.cwd,
        env={**os.environ, **spec.env},
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:  # we are cancelled: by Ctrl-C, say
            process.kill()
            kill_group(process.pid)  # the wait lasts while anything holds the pipe
            await lock.evict(spec.stop_timeout_seconds)
            await process.wait()
    if process.returncode:
        raise PartUnavailable(
            f"{spec.name} failed with {ending(process.returncode)}:\n{last_lines(output)}"
        )


def last_lines(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").splitlines()[-OUTPUT_LINES_MAX:])
