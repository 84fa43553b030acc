"""Deliveries of webhooks: signed as Standard Webhooks, retried, at least once.

The queue is on the disk: what waits, waits there, so a kill -9 loses none and a dead endpoint
costs no memory. Only the deliveries under way are in memory. No order is promised between webhooks.
"""

import asyncio
import logging
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

from feira.kernel.clock import Clock
from feira.sandbox.books import BooksUnavailable
from feira.sandbox.controls import Controls
from feira.sandbox.group_commit import GroupCommit, TooManyWrites
from feira.sandbox.http_post import Poster, PostFailed
from feira.sandbox.webhook_queue import DueWebhook, WebhookQueue

GONE: Final = 410  # the endpoint wants no more of this: not retried
UNSETTLED_MAX: Final = 256  # sent, and not yet written down as such
BOOKS_RETRY_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where webhooks go, and how hard we try. The wait before retry n is `retry_delays_seconds[n]`;
    when there is none left, the webhook is given up."""

    url: str
    secret: str
    timeout_seconds: float
    retry_delays_seconds: tuple[float, ...]
    deliveries_max: int


class WebhookSender:
    """Sends what is due; set `woken` when something new may be."""

    def __init__(
        self,
        queue: WebhookQueue,
        commits: GroupCommit,
        controls: Controls,
        clock: Clock,
        endpoint: Endpoint,
        *,
        woken: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._commits = commits
        self._controls = controls
        self._clock = clock
        self._endpoint = endpoint
        self._signer = Webhook(endpoint.secret)
        self._poster = Poster(endpoint.url, timeout_seconds=endpoint.timeout_seconds)
        self._sending = 0
        self._claimed: set[int] = set()
        self._woken = woken

    async def run(self) -> None:
        """Deliver until canceled. What was under way then is sent again at the next start."""
        with closing(self._poster):
            async with asyncio.TaskGroup() as deliveries:
                while True:
                    self._woken.clear()
                    for webhook in self._claim_due():
                        deliveries.create_task(self._deliver(webhook))
                    await self._wait_for_work()

    def _claim_due(self) -> list[DueWebhook]:
        free = self._endpoint.deliveries_max - self._sending
        if free <= 0 or self._controls.webhooks_paused or len(self._claimed) >= UNSETTLED_MAX:
            return []
        due = self._queue.due(self._now_ms(), limit=len(self._claimed) + free)
        claims = [webhook for webhook in due if webhook.number not in self._claimed][:free]
        self._claimed.update(webhook.number for webhook in claims)
        self._sending += len(claims)
        return claims

    async def _wait_for_work(self) -> None:
        now_ms = self._now_ms()
        next_due_ms = self._queue.next_due_ms(now_ms)
        wait_seconds = None if next_due_ms is None else (next_due_ms - now_ms) / 1000
        try:
            async with asyncio.timeout(wait_seconds):
                await self._woken.wait()
        except TimeoutError:
            pass  # the next one is due

    async def _deliver(self, webhook: DueWebhook) -> None:
        try:
            status = await self._post(webhook.number)
        except PostFailed as failure:
            log.info("webhook %d was not delivered: %s", webhook.number, failure)
            status = None
        finally:
            self._sending -= 1
            self._woken.set()
        await self._settle(webhook, status)
        self._claimed.discard(webhook.number)
        self._woken.set()

    async def _post(self, number: int) -> int:
        body = self._queue.body_of(number)
        headers = self._signed_headers(self._queue.id_of(number), body, self._clock.now())
        return await self._poster.post(headers, body)

    def _signed_headers(self, webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(webhook_id, now, body.decode()),
        }

    async def _settle(self, webhook: DueWebhook, status: int | None) -> None:
        """Write down what became of a delivery; claimed until that is on the disk."""
        while True:
            try:
                await self._commits.submit_lazily(lambda: self._record(webhook, status))
            except (TooManyWrites, BooksUnavailable):
                await asyncio.sleep(BOOKS_RETRY_SECONDS)
            else:
                return

    def _record(self, webhook: DueWebhook, status: int | None) -> None:
        delays = self._endpoint.retry_delays_seconds
        if status is not None and 200 <= status < 300:
            self._queue.drop_delivered(webhook.number)
        elif status == GONE or webhook.attempts >= len(delays):
            log.warning("webhook %d is given up; its last answer: %s", webhook.number, status)
            self._queue.give_up(webhook.number)
        else:
            delay_ms = int(delays[webhook.attempts] * 1000)
            self._queue.postpone(webhook.number, due_ms=self._now_ms() + delay_ms)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
