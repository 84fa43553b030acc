"""The sandbox as a process of its own: killed in the middle of a load, stopped cleanly."""

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import DecodeError

from feira.sandbox.books import BOOKS_FILE
from tests.adapters.sandbox_world import (
    SandboxClient,
    charge_json,
    eventually,
    receiving_webhooks,
    sandbox_process,
)

BATCH = 20
SENDERS = 4


class Load:
    """Customers that pay until the provider is gone; remembers what was asked and answered."""

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, Any]] = {}
        self.answered: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    async def send(self, sandbox: SandboxClient) -> None:
        while True:
            numbers = [next(self._numbers) for _ in range(BATCH)]
            batch = {f"key-{n}": charge_json(f"key-{n}", order_id=n) for n in numbers}
            self.asked |= batch
            try:
                lines = await sandbox.charge_batch(*batch.values())
            except (aiohttp.ClientError, ConnectionError, DecodeError):
                return
            self.answered |= {line["idempotency_key"]: line for line in lines}


async def query_all(sandbox: SandboxClient, keys: list[str]) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), 500):
        known |= await sandbox.query(*keys[start : start + 500])
    return known


async def test_kill_9_under_load_loses_no_charge_and_no_webhook(tmp_path: Path) -> None:
    load = Load()
    async with receiving_webhooks() as receiver:
        async with sandbox_process(tmp_path, receiver) as sandbox:
            senders = [asyncio.create_task(load.send(sandbox.client)) for _ in range(SENDERS)]
            await eventually(lambda: len(load.answered) >= 1_000)
            await sandbox.kill()
            await asyncio.gather(*senders)
        assert len(load.answered) < len(load.asked)  # it was killed with work under way

        async with sandbox_process(tmp_path, receiver) as sandbox:
            known = await query_all(sandbox.client, list(load.asked))
            assert known.items() >= load.answered.items()
            ledger = await sandbox.client.get("/ledger")
            assert {entry["order_id"] for entry in ledger} == {
                charge["order_id"] for charge in known.values()
            }
            assert {entry["captured_cents"] for entry in ledger} == {10_00}
            await eventually(
                lambda: (
                    {e["data"]["id"] for e in receiver.events}
                    == {charge["id"] for charge in known.values()}
                )
            )

            await asyncio.gather(
                *[sandbox.client.post("/v1/charges", ask) for ask in load.asked.values()]
            )
            summary = await sandbox.client.get("/ledger/summary")
            assert (summary["charges"], summary["captures"]) == (len(load.asked),) * 2
            assert summary["captured_cents"] == 10_00 * len(load.asked)
    with closing(sqlite3.connect(tmp_path / BOOKS_FILE)) as books:
        assert books.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_sigterm_ends_it_cleanly_even_with_a_caller_that_hangs(tmp_path: Path) -> None:
    async with sandbox_process(tmp_path) as sandbox:
        hanging = asyncio.create_task(
            sandbox.client.post("/v1/charges", charge_json("key", "tok_timeout"))
        )
        await eventually(lambda: sandbox.client.knows("key"))
        sandbox.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(sandbox.process.wait(), 60) == 0
        status, _ = await hanging
        assert status == 504
    assert not (tmp_path / "books.sqlite3-wal").exists()  # the books were closed
    async with sandbox_process(tmp_path) as sandbox:
        assert (await sandbox.client.query("key"))["key"]["status"] == "captured"


async def test_wrong_settings_stop_it_at_its_start(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "feira.sandbox",
        env={"FEIRA_SANDBOX_DATA_DIR": str(tmp_path), "FEIRA_SANDBOX_PORT": "-1"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert b"api_key" in stderr
    assert b"port" in stderr


async def test_books_that_cannot_be_opened_stop_it_at_its_start(tmp_path: Path) -> None:
    (tmp_path / "books.sqlite3").write_bytes(b"no books at all" * 100)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "feira.sandbox",
        env={
            "FEIRA_SANDBOX_DATA_DIR": str(tmp_path),
            "FEIRA_SANDBOX_API_KEY": "sandbox-key-for-tests",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 3
    assert b"books" in stderr
