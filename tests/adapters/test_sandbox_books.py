"""The sandbox's use cases on real books (SQLite): every key charges once, nothing half-written."""

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from feira.sandbox import schema
from feira.sandbox.books import BOOKS_FILE, Books, BooksUnavailable, read_summary
from feira.sandbox.decisions import Refusal, decide_capture, decide_void
from feira.sandbox.group_commit import GroupCommit, TooManyWrites
from feira.sandbox.messages import (
    EVENTS_A_WEBHOOK_MAX,
    Charge,
    ChargeRequest,
    KeyMismatch,
    LedgerEntry,
    Refund,
    RefundRequest,
)
from feira.sandbox.provider import (
    Moment,
    cancel_key,
    change_charge,
    refund_charges,
    take_charges,
)

NOW = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
MOMENT = Moment.of(NOW, webhook_delay_ms=0, held_webhook_delay_ms=20_000)
FAR_FUTURE_MS = 2**53


def request(key: str, token: str = "tok_visa", **values: Any) -> ChargeRequest:
    asked = ChargeRequest(
        idempotency_key=key, order_id=41, amount_cents=10_00, currency="BRL", token=token
    )
    return replace(asked, **values)


def refund(key: str, charge: Charge, amount_cents: int) -> RefundRequest:
    return RefundRequest(idempotency_key=key, charge_id=charge.id, amount_cents=amount_cents)


class Provider:
    """The use cases, each in a transaction of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.books = Books.open(data_dir, keeps_webhooks=True)

    def charge(self, *requests: ChargeRequest) -> list[Charge | KeyMismatch]:
        with self.books.transaction():
            return take_charges(self.books, MOMENT, requests)

    def charge_one(self, asked: ChargeRequest) -> Charge:
        [answer] = self.charge(asked)
        assert isinstance(answer, Charge)
        return answer

    def refund(self, *requests: RefundRequest) -> list[Refund | KeyMismatch]:
        with self.books.transaction():
            return refund_charges(self.books, MOMENT, requests)

    def events(self) -> list[dict[str, Any]]:
        """All events that wait to be sent, in the order they are due."""
        queue = self.books.webhooks
        due = queue.due(FAR_FUTURE_MS, limit=1_000)
        bodies = [json.decode(queue.body_of(webhook.number)) for webhook in due]
        return [event for body in bodies for event in body["events"]]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    provider = Provider(tmp_path)
    yield provider
    provider.books.close()


def test_a_batch_is_charged_once_a_key_and_told_once(provider: Provider) -> None:
    requests = [request(f"key-{n}") for n in range(5)]
    first = provider.charge(*requests)
    again = provider.charge(*requests, request("key-5"))
    assert again[:5] == first
    assert len({event["id"] for event in provider.events()}) == len(provider.events()) == 6


@pytest.mark.parametrize("rest", [0, 1])
def test_a_batch_that_knows_some_keys_charges_the_others(provider: Provider, rest: int) -> None:
    count = 2 * schema.ROWS_AN_INSERT + rest
    known = provider.charge(*[request(f"key-{n}") for n in range(0, count, 3)])
    answers = provider.charge(*[request(f"key-{n}") for n in range(count)])
    assert answers[::3] == known
    assert len({charge.id for charge in answers if isinstance(charge, Charge)}) == count
    assert len(provider.events()) == read_summary(provider.data_dir).charges == count


def test_a_key_twice_in_one_batch_is_one_charge(provider: Provider) -> None:
    first, same, other = provider.charge(
        request("key"), request("key"), request("key", amount_cents=1)
    )
    assert same == first
    assert other == KeyMismatch(idempotency_key="key")
    assert read_summary(provider.data_dir).charges == 1


def test_ids_differ_in_other_books(provider: Provider, tmp_path: Path) -> None:
    wiped = Provider(tmp_path / "wiped")
    ids = {p.charge_one(request("key")).id for p in (provider, wiped)}
    wiped.books.close()
    assert len(ids) == 2


def test_an_order_id_comes_back_as_it_came(provider: Provider) -> None:
    provider.charge(request("a", order_id=7), request("b", order_id="7"))
    recorded = provider.books.charges_by_key(["a", "b"])
    assert (recorded["a"].charge.order_id, recorded["b"].charge.order_id) == (7, "7")


def test_nothing_is_kept_of_a_transaction_that_fails(provider: Provider) -> None:
    def charge_and_fall() -> None:
        with provider.books.transaction():
            take_charges(provider.books, MOMENT, [request("key")])
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        charge_and_fall()
    assert provider.books.charges_by_key(["key"]) == {}
    provider.charge(request("other"))
    assert [event["data"]["idempotency_key"] for event in provider.events()] == ["other"]


def test_a_canceled_key_never_charges(provider: Provider) -> None:
    with provider.books.transaction():
        canceled = cancel_key(provider.books, MOMENT, "key")
    assert (canceled.canceled, canceled.charge) == (True, None)
    assert provider.books.charges_by_id([provider.books.charge_id(1)]) == {}
    assert provider.events() == []
    voided = provider.charge_one(request("key"))
    assert (voided.status, voided.captured_cents, voided.order_id) == ("voided", 0, 41)
    assert provider.charge(request("key"), request("key", amount_cents=1)) == [
        voided,
        KeyMismatch(idempotency_key="key"),
    ]
    assert [event["type"] for event in provider.events()] == ["charge.voided"]
    assert list(provider.books.ledger_pages()) == []


def test_a_canceled_key_charged_twice_in_one_batch_is_voided_once(provider: Provider) -> None:
    with provider.books.transaction():
        cancel_key(provider.books, MOMENT, "key")
    first, second, other = provider.charge(request("key"), request("key"), request("free"))
    assert isinstance(other, Charge)
    assert other.status == "captured"
    assert first == second
    assert len(provider.events()) == 2


@pytest.mark.parametrize(
    ("token", "capture", "canceled", "status"),
    [
        ("tok_visa", True, False, "captured"),
        ("tok_visa", False, True, "voided"),
        ("tok_declined", True, True, "declined"),
    ],
)
def test_a_cancellation_after_the_charge_tells_of_it(
    provider: Provider, token: str, capture: bool, canceled: bool, status: str
) -> None:
    provider.charge(request("key", token, capture=capture))
    for _ in range(2):
        with provider.books.transaction():
            answer = cancel_key(provider.books, MOMENT, "key")
        assert answer.charge is not None
        assert (answer.canceled, answer.charge.status) == (canceled, status)


def test_an_authorization_is_captured_or_voided_once(provider: Provider) -> None:
    held = provider.charge_one(request("key", capture=False))
    assert provider.events() == []
    with provider.books.transaction():
        captured = change_charge(provider.books, MOMENT, held, decide_capture)
        assert isinstance(captured, Charge)
        assert change_charge(provider.books, MOMENT, captured, decide_capture) is captured
        assert isinstance(change_charge(provider.books, MOMENT, captured, decide_void), Refusal)
    assert provider.books.charges_by_id([held.id]) == {held.id: captured}
    assert [event["type"] for event in provider.events()] == ["charge.captured"]
    assert provider.books.ledger_of_order("41")[0].captured_cents == 10_00


def test_refunds_of_one_batch_share_what_was_captured(provider: Provider) -> None:
    charge = provider.charge_one(request("key"))
    answers = provider.refund(
        refund("r1", charge, 6_00), refund("r2", charge, 5_00), refund("r3", charge, 4_00)
    )
    assert [a.status for a in answers if isinstance(a, Refund)] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    again = provider.refund(refund("r2", charge, 5_00), refund("r1", charge, 1))
    assert again == [answers[1], KeyMismatch(idempotency_key="r1")]
    assert provider.books.charges_by_id([charge.id])[charge.id].refunded_cents == 10_00
    types = [event["type"] for event in provider.events()]
    assert types == ["charge.captured", "refund.succeeded", "refund.failed", "refund.succeeded"]


@pytest.mark.parametrize("charge_id", ["ch_x", "", "ch_00000000_1", "1", "ch_00000000_²"])
def test_ids_of_other_books_are_unknown(provider: Provider, charge_id: str) -> None:
    charge = provider.charge_one(request("key"))
    assert provider.books.charges_by_id([charge_id, charge.id + "x", "0" + charge.id]) == {}
    assert provider.books.charges_by_id([charge.id]) == {charge.id: charge}


def test_the_database_itself_refuses_a_refund_above_the_capture(provider: Provider) -> None:
    charge = provider.charge_one(request("key"))
    with pytest.raises(BooksUnavailable, match="CHECK"), provider.books.transaction():
        provider.books.save_charges([replace(charge, refunded_cents=10_01)])


def test_the_ledger_has_one_row_an_order_in_pages(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feira.sandbox.books.LEDGER_PAGE_MAX", 2)
    orders: list[int | str] = [3, 1, "b", 2, "a"]
    provider.charge(*[request(f"key-{o}", order_id=o) for o in orders])
    provider.charge(request("twice", order_id=2), request("no", "tok_declined", order_id=9))
    pages = list(provider.books.ledger_pages())
    assert [[entry.order_id for entry in page] for page in pages] == [[1, 2], [3, "a"], ["b"]]
    assert pages[0][1] == LedgerEntry(order_id=2, captured_cents=20_00, refunded_cents=0)
    assert provider.books.ledger_of_order("2") == [pages[0][1]]
    assert provider.books.ledger_of_order("9") == provider.books.ledger_of_order("²") == []


def test_the_ledgers_queries_use_its_index(provider: Provider) -> None:
    with sqlite3.connect(provider.data_dir / BOOKS_FILE) as reader:
        for statement, values in [
            (schema.LEDGER_AFTER, (0, 10)),
            (schema.LEDGER_OF_ORDER, (1, "1", 2)),
        ]:
            plan = reader.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            assert ["SEARCH charges USING INDEX charges_ledger" in row[3] for row in plan] == [True]
    reader.close()


def test_the_summary_counts_what_the_books_hold(provider: Provider) -> None:
    charge = provider.charge_one(request("a"))
    provider.charge(request("b", "tok_declined"), request("c", "tok_timeout"))
    provider.refund(refund("r1", charge, 4_00), refund("r2", charge, 7_00))
    with provider.books.transaction():
        cancel_key(provider.books, MOMENT, "never-charged")
    summary = read_summary(provider.data_dir)
    assert (summary.charges, summary.captures, summary.captured_cents) == (3, 2, 20_00)
    assert (summary.refunds, summary.refunded_cents) == (1, 4_00)
    assert (summary.webhooks_pending, summary.webhooks_exhausted) == (5, 0)


def test_events_due_together_travel_together_up_to_the_bound(provider: Provider) -> None:
    count = EVENTS_A_WEBHOOK_MAX + 1
    with provider.books.transaction():
        for n in range(count):
            take_charges(provider.books, MOMENT, [request(f"key-{n}")])
    queue = provider.books.webhooks
    bodies = [queue.body_of(w.number) for w in queue.due(FAR_FUTURE_MS, limit=10)]
    assert [len(json.decode(body)["events"]) for body in bodies] == [EVENTS_A_WEBHOOK_MAX, 1]


def test_a_timeouts_webhook_is_held_back_and_a_duplicates_comes_thrice(provider: Provider) -> None:
    provider.charge(request("visa"), request("timeout", "tok_timeout"))
    queue = provider.books.webhooks
    now_ms = MOMENT.webhook_due_ms
    assert len(queue.due(now_ms, limit=10)) == 1
    assert queue.next_due_ms(now_ms) == now_ms + 20_000
    provider.charge(request("duplicate", "tok_duplicate"))
    keys = [event["data"]["idempotency_key"] for event in provider.events()]
    assert sorted(keys) == ["duplicate"] * 3 + ["timeout", "visa"]
    assert len(queue.due(FAR_FUTURE_MS, limit=10)) == 5


def test_books_are_found_again_and_those_of_another_version_refused(tmp_path: Path) -> None:
    first = Provider(tmp_path)
    charge = first.charge_one(request("key"))
    first.books.close()
    second = Provider(tmp_path)
    assert second.charge_one(request("key")) == charge
    second.books.close()
    with sqlite3.connect(tmp_path / BOOKS_FILE) as writer:
        writer.execute("PRAGMA user_version = 99")
    writer.close()
    with pytest.raises(ValueError, match="version 99"):
        Books.open(tmp_path, keeps_webhooks=True)


def test_without_an_endpoint_no_webhooks_are_kept(tmp_path: Path) -> None:
    books = Books.open(tmp_path, keeps_webhooks=False)
    with books.transaction():
        take_charges(books, MOMENT, [request("key")])
    books.close()
    assert read_summary(tmp_path).webhooks_pending == 0


class TestGroupCommit:
    async def test_writes_that_arrive_together_share_one_transaction(
        self, provider: Provider
    ) -> None:
        commits = 0

        def count() -> None:
            nonlocal commits
            commits += 1

        group = GroupCommit(provider.books, waiting_max=100, on_commit=count)
        writes = [
            partial(take_charges, provider.books, MOMENT, [request(f"key-{n}")]) for n in range(50)
        ]
        answers = await asyncio.gather(*[group.submit(write) for write in writes])
        assert commits == 1
        assert len({charge.id for [charge] in answers if isinstance(charge, Charge)}) == 50

    async def test_a_lazy_write_travels_along_or_by_itself(self, provider: Provider) -> None:
        done: list[str] = []
        group = GroupCommit(provider.books, waiting_max=10, on_commit=lambda: done.append("commit"))
        lazy = group.submit_lazily(lambda: done.append("lazy"))
        await group.submit(lambda: done.append("urgent"))
        assert lazy.done()
        assert done == ["lazy", "urgent", "commit"]
        await asyncio.wait_for(group.submit_lazily(lambda: done.append("alone")), 60)
        assert done[3:] == ["alone", "commit"]

    async def test_a_write_that_fails_fails_its_whole_transaction(self, provider: Provider) -> None:
        group = GroupCommit(provider.books, waiting_max=10, on_commit=lambda: None)
        good = group.submit(partial(take_charges, provider.books, MOMENT, [request("key")]))
        bad = group.submit(lambda: 1 // 0)
        answers = await asyncio.gather(good, bad, return_exceptions=True)
        assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
        assert provider.books.charges_by_key(["key"]) == {}

    async def test_more_writes_than_the_bound_are_refused(self, provider: Provider) -> None:
        group = GroupCommit(provider.books, waiting_max=2, on_commit=lambda: None)
        waiting = [group.submit(lambda: None), group.submit(lambda: None)]
        with pytest.raises(TooManyWrites):
            await group.submit(lambda: None)
        await asyncio.gather(*waiting)
        await group.submit(lambda: None)
