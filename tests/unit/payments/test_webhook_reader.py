"""A webhook counts only when the provider has signed it."""

import base64
from datetime import timedelta

import pytest
import standardwebhooks

from feira.kernel.clock import SystemClock
from feira.kernel.errors import Rejected
from feira.services.payments.adapters.sandbox.webhooks import (
    INVALID_SIGNATURE,
    UNREADABLE,
    WebhookReader,
)

SECRET = "whsec_" + base64.b64encode(b"a secret of ours").decode()
ANOTHER = "whsec_" + base64.b64encode(b"somebody else's").decode()
NOTHING_NEW = b'{"type":"events","events":[]}'


def signed(body: bytes, secret: str, age: timedelta = timedelta()) -> dict[str, str]:
    at = SystemClock().now() - age
    signature = standardwebhooks.Webhook(secret).sign("msg_1", at, body.decode())
    stamp = str(int(at.timestamp()))
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}


def test_what_the_provider_has_signed_is_read() -> None:
    events = WebhookReader(SECRET).read(signed(NOTHING_NEW, SECRET), NOTHING_NEW)
    assert (events.charges, events.refunds) == ([], [])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(NOTHING_NEW, ANOTHER),
        signed(b'{"type":"another"}', SECRET),
        signed(NOTHING_NEW, SECRET, age=timedelta(minutes=10)),
        {**signed(NOTHING_NEW, SECRET), "webhook-timestamp": "soon"},
    ],
    ids=["unsigned", "by another", "of another body", "old", "without a time"],
)
def test_what_anybody_else_sends_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Rejected) as refused:
        WebhookReader(SECRET).read(headers, NOTHING_NEW)
    assert refused.value.refused == INVALID_SIGNATURE


def test_what_is_signed_and_unreadable_is_said_so() -> None:
    body = b"not JSON"
    with pytest.raises(Rejected) as refused:
        WebhookReader(SECRET).read(signed(body, SECRET), body)
    assert refused.value.refused == UNREADABLE
