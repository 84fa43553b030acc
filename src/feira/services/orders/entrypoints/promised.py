"""Orders that a flash sale has promised a moment ago, and that are still on their way here.

The sale answers a claim with the id of its order at once; the order itself comes by a message, some
milliseconds later. Whoever asks for it meanwhile waits a little rather than hear that it is not
there.
"""

import asyncio
from datetime import timedelta
from typing import Final

from feira.contracts.flashsale import WORKERS_OF_FLASHSALE
from feira.kernel.clock import Clock
from feira.kernel.ids import made_at, worker_of
from feira.services.orders.application.ports import OrderQueries

PROMISED_WITHIN: Final = timedelta(seconds=30)
WAIT_SECONDS_MAX: Final = 2.0
POLL_SECONDS: Final = 0.05
WAITING_MAX: Final = 100
"""More are not made to wait: they hear at once whether it is there."""


class PromisedOrders:
    def __init__(self, queries: OrderQueries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock
        self._waiting = 0

    async def arrival(self, order_id: int) -> None:
        """Until the order is there, or is not expected any more. At once for all other orders."""
        if not self._is_expected(order_id) or self._waiting >= WAITING_MAX:
            return
        self._waiting += 1
        try:
            await self._wait_for(order_id)
        finally:
            self._waiting -= 1

    def _is_expected(self, order_id: int) -> bool:
        is_of_a_sale = worker_of(order_id) in WORKERS_OF_FLASHSALE
        return is_of_a_sale and abs(self._clock.now() - made_at(order_id)) < PROMISED_WITHIN

    async def _wait_for(self, order_id: int) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + WAIT_SECONDS_MAX
        while loop.time() < give_up_at:
            if await self._queries.get(order_id) is not None:
                return
            await asyncio.sleep(POLL_SECONDS)
