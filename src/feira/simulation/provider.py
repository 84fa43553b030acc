"""The provider behind payments' port, and its webhooks: both as unreliable as the real ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import msgspec

from feira.kernel.errors import Category, Refused, Rejected
from feira.services.payments.application.ports import Answers, WebhookEvents
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, RefundReport
from feira.simulation.bank import Bank, Told
from feira.simulation.faults import Faults
from feira.simulation.weather import Server

CALL_SECONDS_MAX: Final = 0.3
TIMEOUT_SECONDS: Final = 5.0
LATE_SECONDS_MAX: Final = 20.0
WEBHOOK_SECONDS_MAX: Final = 0.3
WEBHOOK_LATE_SECONDS_MAX: Final = 12.0
WEBHOOK_TRIES_MAX: Final = 12
WEBHOOK_RETRY_SECONDS: Final = 4.0
SIGNATURE: Final = "of-the-bank"
WRONG_BY_CENTS: Final = 1_00

_events: Final = msgspec.json.Decoder(WebhookEvents)
_encode: Final = msgspec.json.Encoder().encode

Post = Callable[[bytes], Awaitable[bool]]
"""Sends a webhook; tells whether it was taken."""


class SimulatedProvider:
    """`server` is the provider's own, which may be down."""

    def __init__(self, bank: Bank, faults: Faults, server: Server) -> None:
        self._bank = bank
        self._faults = faults
        self._chance = faults.chance
        self._server = server

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        yield

    async def create_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        await self._travel()
        if self._server.is_down:
            return
        told = [report for payment in payments for report in self._create(payment)]
        if told:
            yield told
        if len(told) < len(payments):
            await asyncio.sleep(TIMEOUT_SECONDS)

    async def capture_many(self, authorized: Sequence[ChargeReport]) -> Answers[ChargeReport]:
        await self._travel()
        if not self._server.is_down:
            keys = [f"feira-{report.order_id}-{report.attempt}" for report in authorized]
            yield [self._bank.capture(key) for key in keys]

    async def void_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        await self._travel()
        if not self._server.is_down:
            told = [self._bank.void(payment) for payment in payments]
            if not self._faults.strikes("void_unanswered"):
                yield told

    async def query_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        await self._travel()
        if not self._server.is_down and not self._faults.strikes("query_unanswered"):
            yield [self._bank.query(payment) for payment in payments]

    async def refund_many(self, refunds: Sequence[Refund]) -> Answers[RefundReport]:
        await self._travel()
        if not self._server.is_down:
            strikes = self._faults.strikes
            told = [self._bank.refund(r, refuse=strikes("refund_refused")) for r in refunds]
            if not strikes("refund_unanswered"):
                yield told

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvents:
        if headers.get("webhook-signature") != SIGNATURE:
            raise Rejected(Refused(Category.UNAUTHENTICATED, "invalid_signature", "Not the bank."))
        return _events.decode(body)

    def _create(self, payment: Payment) -> Sequence[ChargeReport]:
        """What the call is answered of one charge: once, twice, or not at all."""
        strikes = self._faults.strikes
        if strikes("charge_unheard"):
            return []
        wrong_by_cents = 0
        if strikes("wrong_amount"):
            wrong_by_cents = WRONG_BY_CENTS if self._chance.random() < 0.5 else -WRONG_BY_CENTS
        charge = partial(self._bank.charge, payment, wrong_by_cents)
        if strikes("charge_late"):  # it is still on its way when the call has timed out
            seconds = self._chance.random() * LATE_SECONDS_MAX
            asyncio.get_running_loop().call_later(seconds, charge)
            return []
        report = charge()
        if strikes("charge_unanswered"):
            return []
        return [report] * (1 + strikes("answered_twice"))

    async def _travel(self) -> None:
        await asyncio.sleep(self._chance.random() * CALL_SECONDS_MAX)


class Webhooks:
    """What the bank tells by itself: at least once, late, again, in any order."""

    def __init__(self, faults: Faults, post: Post) -> None:
        self._faults = faults
        self._chance = faults.chance
        self._post = post
        self._waiting: list[Told] = []
        self._arrived = asyncio.Event()
        self.on_the_way = 0

    def tell(self, told: Told) -> None:
        strikes = self._faults.strikes
        self._put_later(told, WEBHOOK_SECONDS_MAX)
        if strikes("webhook_twice"):
            self._put_later(told, WEBHOOK_LATE_SECONDS_MAX)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as sending:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                told, self._waiting = self._waiting, []
                sending.create_task(self._send(told))

    async def _send(self, told: Sequence[Told]) -> None:
        charges = [one for one in told if isinstance(one, ChargeReport)]
        refunds = [one for one in told if isinstance(one, RefundReport)]
        body = _encode(WebhookEvents(charges, refunds))
        for _ in range(WEBHOOK_TRIES_MAX):
            if not self._faults.strikes("webhook_lost") and await self._post(body):
                break
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * WEBHOOK_RETRY_SECONDS)
        self.on_the_way -= len(told)

    def _put_later(self, told: Told, seconds_max: float) -> None:
        if self._faults.strikes("webhook_late"):
            seconds_max = WEBHOOK_LATE_SECONDS_MAX
        self.on_the_way += 1
        loop = asyncio.get_running_loop()
        loop.call_later(self._chance.random() * seconds_max, self._put, told)

    def _put(self, told: Told) -> None:
        self._waiting.append(told)
        self._arrived.set()
