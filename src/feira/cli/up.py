"""`feira up`: the whole shop, embedded, until Ctrl-C."""

import asyncio
import signal
import sys
import time

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import AlreadyRunning, EmbeddedError
from feira.embedded.process import ProcessEvent, ProcessExited, ending
from feira.runtime.shop import Shop
from feira.runtime.shop_settings import ShopSettings

WELCOME = """
Feira is open (ready in {seconds:.1f} s).

  Shop         {address}
  API          {address}/docs   {address}/openapi.json
  Sandbox      http://127.0.0.1:{sandbox_port}/ledger   (simulated payments: its books)
  Admin        {admin_email} / {admin_password}
  Customer     {customer_email} / {customer_password}
  Data, logs   {data_dir}

Ctrl-C stops it. The data stays.
"""


async def up() -> int:
    settings = ShopSettings()
    try:
        data_dir = DataDir(settings.data_dir).create()
        with data_dir.locked(settings.address):
            return await _run(settings, data_dir)
    except AlreadyRunning as error:
        print(f"feira: {error}", file=sys.stderr)
        return 1
    except EmbeddedError as error:
        print(f"feira: {error}", file=sys.stderr)
        return 1


async def _run(settings: ShopSettings, data_dir: DataDir) -> int:
    shop = Shop(settings, data_dir, _tell)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    try:
        await _until_stopped(shop, settings, stopping)
    finally:
        if stopping.is_set():
            print("stopping")
        await shop.supervisor.stop_all()
    return 0


async def _until_stopped(shop: Shop, settings: ShopSettings, stopping: asyncio.Event) -> None:
    """Start, then wait for a signal or for the supervisor to give up, whichever comes first."""
    stop = asyncio.create_task(stopping.wait())
    work = asyncio.create_task(_start_and_watch(shop, settings))
    done, _ = await asyncio.wait({stop, work}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stop, work):
        task.cancel()
    if work in done:
        await work
    await asyncio.gather(stop, work, return_exceptions=True)


async def _start_and_watch(shop: Shop, settings: ShopSettings) -> None:
    started_at = time.monotonic()
    await shop.start(lambda what: print(f"  {what} …", flush=True))
    seconds = time.monotonic() - started_at
    print(WELCOME.format(seconds=seconds, address=settings.address, **dict(settings)), flush=True)
    await shop.supervisor.wait()


def _tell(event: ProcessEvent) -> None:
    if isinstance(event, ProcessExited):
        again = event.restart_in_seconds
        what = f"restarting in {again:.1f} s" if again is not None else "giving up"
        print(f"  {event.name} ended with {ending(event.returncode)}: {what}", flush=True)
