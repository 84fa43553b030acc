"""The payment sandbox behind the provider port."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

import msgspec
import structlog

from feira.services.payments.adapters.sandbox import wire
from feira.services.payments.adapters.sandbox.link import (
    NoAnswer,
    RefusedCall,
    SandboxLink,
    decoded,
)
from feira.services.payments.adapters.sandbox.webhooks import WebhookReader
from feira.services.payments.application.ports import Answers, WebhookEvents
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, RefundReport

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

CHARGES_A_CALL_MAX: Final = 200
REFUNDS_A_CALL_MAX: Final = 200
KEYS_A_CALL_MAX: Final = 500

_charge: Final = msgspec.json.Decoder(wire.ChargeLine)
_charges: Final = msgspec.json.Decoder(wire.ChargesAnswer)
_cancellation: Final = msgspec.json.Decoder(wire.CancellationAnswer)
_refunds: Final = msgspec.json.Decoder(wire.RefundsAnswer)


class SandboxProvider:
    def __init__(self, link: SandboxLink, webhooks: WebhookReader) -> None:
        self._link = link
        self._webhooks = webhooks

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Calls can be made inside; webhooks can be read at any time."""
        return self._link.opened()

    def create_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        return _in_parts(payments, CHARGES_A_CALL_MAX, self._create, wire.refused_charge)

    def query_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        return _in_parts(payments, KEYS_A_CALL_MAX, self._query, None)

    def refund_many(self, refunds: Sequence[Refund]) -> Answers[RefundReport]:
        return _in_parts(refunds, REFUNDS_A_CALL_MAX, self._refund, wire.refused_refund)

    async def capture_many(self, authorized: Sequence[ChargeReport]) -> Answers[ChargeReport]:
        yield await _each(authorized, self._capture)

    async def void_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        yield await _each(payments, self._void)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvents:
        return self._webhooks.read(headers, body)

    async def _create(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        """The lines of the answer as they come: a slow charge does not delay its neighbours."""
        body = wire.ChargesBody([wire.charge_body(payment) for payment in payments])
        rest = b""
        async for chunk in self._link.stream("/v1/charges/batch", body):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                yield _read_lines(lines)
        if rest:
            yield _read_lines(rest)

    async def _query(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        keys = wire.KeysBody([payment.key for payment in payments])
        answer: wire.ChargesAnswer = decoded(
            _charges, await self._link.call("/v1/charges/query", keys)
        )
        known = {line.idempotency_key for line in answer.charges}
        reports = _present(map(wire.charge_report, answer.charges))
        yield reports + [wire.unknown(payment) for payment in payments if payment.key not in known]

    async def _refund(self, refunds: Sequence[Refund]) -> Answers[RefundReport]:
        body = wire.RefundsBody([wire.refund_body(refund) for refund in refunds])
        answer: wire.RefundsAnswer = decoded(
            _refunds, await self._link.call("/v1/refunds/batch", body)
        )
        for line in answer.refunds:
            _note_mismatch(line)
        yield _present(map(wire.refund_report, answer.refunds))

    async def _capture(self, report: ChargeReport) -> ChargeReport | None:
        body = await self._link.call(f"/v1/charges/{report.charge_id}/capture")
        return wire.charge_report(decoded(_charge, body))

    async def _void(self, payment: Payment) -> ChargeReport | None:
        body = await self._link.call("/v1/cancellations", wire.KeyBody(payment.key))
        answer: wire.CancellationAnswer = decoded(_cancellation, body)
        if answer.canceled:
            return wire.voided(payment)
        return wire.charge_report(answer.charge) if answer.charge else None


async def _in_parts(
    items: Sequence[T],
    size_max: int,
    call: Callable[[Sequence[T]], Answers[R]],
    refusal: Callable[[T], R] | None,
) -> Answers[R]:
    """The reports on all items. A part that is refused is tried in halves, down to the culprit:
    one bad request must not fail its neighbours."""
    waiting = [items[start : start + size_max] for start in range(0, len(items), size_max)]
    while waiting:
        part = waiting.pop()
        try:
            async for reports in call(part):
                yield reports
        except NoAnswer as error:
            _note_failure(error, len(part))
        except RefusedCall as error:
            _note_failure(error, len(part))
            middle = len(part) // 2
            if middle:
                waiting += [part[middle:], part[:middle]]
            elif refusal:
                yield [refusal(part[0])]


async def _each(items: Sequence[T], call: Callable[[T], Awaitable[R | None]]) -> list[R]:
    """One call an item, side by side as the link allows; those without an answer are left out."""

    async def answer_to(item: T) -> R | None:
        try:
            return await call(item)
        except (NoAnswer, RefusedCall) as error:
            _note_failure(error, 1)
            return None

    return _present(await asyncio.gather(*map(answer_to, items)))


def _read_lines(lines: bytes) -> list[ChargeReport]:
    try:
        charges = _charge.decode_lines(lines)
    except msgspec.DecodeError as error:
        raise NoAnswer(f"unreadable lines: {error}") from error
    for charge in charges:
        _note_mismatch(charge)
    return _present(map(wire.charge_report, charges))


def _present(reports: Iterable[R | None]) -> list[R]:
    return [report for report in reports if report is not None]


def _note_mismatch(line: wire.ChargeLine | wire.RefundLine) -> None:
    """Our key was used with other terms: it is asked about and never replaced; a person looks."""
    if line.error:
        log.error("provider_key_mismatch", key=line.idempotency_key, error=line.error)


def _note_failure(error: Exception, count: int) -> None:
    log.warning("provider_call_failed", count=count, error=str(error))
