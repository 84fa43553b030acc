"""The sandbox's webhooks: signed as Standard Webhooks, many events in one body."""

from collections.abc import Mapping
from typing import Final

import msgspec
import standardwebhooks

from feira.kernel.errors import Category, Refused, Rejected
from feira.services.payments.adapters.sandbox.wire import (
    ChargeLine,
    RefundLine,
    Webhook,
    charge_report,
    refund_report,
)
from feira.services.payments.application.ports import WebhookEvents

CHARGE_EVENTS: Final = frozenset({"charge.captured", "charge.declined", "charge.voided"})
REFUND_EVENTS: Final = frozenset({"refund.succeeded", "refund.failed"})
EVENTS: Final = "events"

INVALID_SIGNATURE: Final = Refused(
    Category.UNAUTHENTICATED, "invalid_signature", "The webhook's signature is not valid."
)
UNREADABLE: Final = Refused(
    Category.MALFORMED, "unreadable_webhook", "The webhook is not in the agreed form."
)

_webhook: Final = msgspec.json.Decoder(Webhook)
_charge: Final = msgspec.json.Decoder(ChargeLine)
_refund: Final = msgspec.json.Decoder(RefundLine)


class WebhookReader:
    def __init__(self, secret: str) -> None:
        """`secret` is `whsec_` and base64."""
        self._verifier = standardwebhooks.Webhook(secret)

    def read(self, headers: Mapping[str, str], body: bytes) -> WebhookEvents:
        """Raises `Rejected`: 401 for a wrong or old signature (5 minutes), 400 for another form."""
        try:
            self._verifier.verify(body, dict(headers), json_parse=False)
        except (standardwebhooks.WebhookVerificationError, ValueError) as error:
            raise Rejected(INVALID_SIGNATURE) from error
        try:
            return _events(_webhook.decode(body))
        except msgspec.DecodeError as error:
            raise Rejected(UNREADABLE) from error


def _events(webhook: Webhook) -> WebhookEvents:
    """Events of types that are not known are passed over."""
    events = webhook.events if webhook.type == EVENTS else []
    charges = [charge_report(_charge.decode(e.data)) for e in events if e.type in CHARGE_EVENTS]
    refunds = [refund_report(_refund.decode(e.data)) for e in events if e.type in REFUND_EVENTS]
    return WebhookEvents([c for c in charges if c], [r for r in refunds if r])
