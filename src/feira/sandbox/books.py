"""The simulated provider's books: SQLite, durable at each commit, one connection that writes.

Everything here runs on the event loop's own thread. A second thread would let go of the GIL and
take it back once a row, and each take may cost a switch interval (5 ms); a batch of 100 charges
inline costs about a millisecond. `group_commit` gathers what arrives together.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

from feira.kernel.ids import uuid7
from feira.sandbox import schema
from feira.sandbox.decisions import RecordedCharge, recorded_token
from feira.sandbox.messages import (
    Charge,
    ChargeRequest,
    LedgerEntry,
    LedgerSummary,
    Refund,
    encode,
)
from feira.sandbox.webhook_queue import WebhookQueue

BOOKS_FILE: Final = "books.sqlite3"
LEDGER_PAGE_MAX: Final = 1_000
BEFORE_ALL_ORDERS: Final = float("-inf")
_NUMBER_DIGITS_MAX: Final = 18  # a rowid has 63 bits


class BooksUnavailable(Exception):
    """The disk refused a transaction; nothing of it was kept."""


class Books:
    """Charges and refunds, and the `webhooks` that tell of them. Writes happen inside
    `transaction()` only."""

    def __init__(self, connection: sqlite3.Connection, *, keeps_webhooks: bool) -> None:
        (tag,) = connection.execute(schema.SELECT_TAG).fetchone()
        self._sql = connection
        self._tag = str(tag)
        self.webhooks = WebhookQueue(connection, self._tag, is_kept=keeps_webhooks)

    @classmethod
    def open(cls, data_dir: Path, *, keeps_webhooks: bool) -> Self:
        """Open the books in `data_dir`, made if they are not there.

        Raises `sqlite3.Error` or `OSError` if they can't be opened, `ValueError` if they are of
        another version. Without `keeps_webhooks` (nobody to send them to) events are dropped.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(data_dir / BOOKS_FILE, isolation_level=None)
        connection.executescript(schema.PRAGMAS)
        prepare(connection)
        return cls(connection, keeps_webhooks=keeps_webhooks)

    def close(self) -> None:
        self._sql.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are on the disk when it ends, with the webhooks they announce; or none
        of them, if it raises. Raises `BooksUnavailable`."""
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            yield
            self.webhooks.save()
            self._sql.execute("COMMIT")
        except sqlite3.Error as error:
            raise BooksUnavailable(str(error)) from error
        finally:
            self.webhooks.forget_unsaved()
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")

    # ---------------------------------------------------------------- charges

    def next_charge_number(self) -> int:
        return self._number(schema.NEXT_CHARGE_NUMBER)

    def charge_id(self, number: int) -> str:
        """The id of charge `number`. The tag is these books' own: wiped books repeat no id."""
        return f"ch_{self._tag}_{number}"

    def add_charges(
        self, first: int, requests: Sequence[ChargeRequest], charges: Sequence[Charge]
    ) -> int:
        """Add the charges, numbered from `first`, whose keys are not in the books yet: how many."""
        rows = [
            (
                number,
                charge.idempotency_key,
                charge.order_id,
                charge.amount_cents,
                charge.currency,
                recorded_token(request.token),
                request.capture,
                charge.status,
                charge.decline_reason,
                charge.captured_cents,
                charge.refunded_cents,
                charge.created_at,
            )
            for number, (request, charge) in enumerate(zip(requests, charges, strict=True), first)
        ]
        return self._insert_charges(rows)

    def charges_by_key(self, keys: Sequence[str]) -> dict[str, RecordedCharge]:
        """The known ones among `keys`, keys canceled before a charge came included."""
        rows = self._sql.execute(schema.SELECT_CHARGES_BY_KEY, (encode(keys).decode(),))
        return {row[1]: self._recorded_charge(row) for row in rows}

    def charges_by_id(self, ids: Sequence[str]) -> dict[str, Charge]:
        """The known ones among `ids`."""
        numbers = [number for number in map(self._charge_number, ids) if number is not None]
        rows = self._sql.execute(schema.SELECT_CHARGES_BY_NUMBER, (encode(numbers).decode(),))
        return {self.charge_id(row[0]): self._recorded_charge(row).charge for row in rows}

    def save_charges(self, charges: Sequence[Charge]) -> None:
        self._sql.executemany(
            schema.UPDATE_CHARGE,
            [
                (c.status, c.captured_cents, c.refunded_cents, self._charge_number(c.id))
                for c in charges
            ],
        )

    def add_cancellation(self, key: str, created_at: str) -> bool:
        """Occupy a key that no charge has; False if one has (or if it is canceled already)."""
        values = (self.next_charge_number(), key, created_at)
        return self._sql.execute(schema.INSERT_CANCELLATION, values).rowcount == 1

    def fill_cancellation(self, request: ChargeRequest, charge: Charge) -> None:
        """Give the row of a canceled key the terms of the charge that came after all."""
        self._sql.execute(
            schema.FILL_CANCELLATION,
            (
                charge.order_id,
                charge.amount_cents,
                charge.currency,
                recorded_token(request.token),
                request.capture,
                charge.created_at,
                charge.idempotency_key,
            ),
        )

    # ---------------------------------------------------------------- refunds

    def next_refund_number(self) -> int:
        return self._number(schema.NEXT_REFUND_NUMBER)

    def refund_id(self, number: int) -> str:
        return f"re_{self._tag}_{number}"

    def add_refunds(self, first: int, refunds: Sequence[Refund]) -> None:
        """Add refunds, numbered from `first`, whose keys are new."""
        rows = [
            (
                number,
                refund.idempotency_key,
                refund.charge_id,
                refund.amount_cents,
                refund.reason,
                refund.status,
                refund.failure_reason,
                refund.created_at,
            )
            for number, refund in enumerate(refunds, first)
        ]
        self._sql.executemany(schema.INSERT_REFUND, rows)

    def refunds_by_key(self, keys: Sequence[str]) -> dict[str, Refund]:
        """The known ones among `keys`."""
        rows = self._sql.execute(schema.SELECT_REFUNDS_BY_KEY, (encode(keys).decode(),))
        return {row[1]: self._refund(row) for row in rows}

    # ---------------------------------------------------------------- ledger

    def ledger_pages(self) -> Iterator[list[LedgerEntry]]:
        """Orders with captured money, in pages. Each page is as of its own moment, so that a slow
        reader never holds a transaction open."""
        after: float | int | str = BEFORE_ALL_ORDERS
        while page := self._ledger(schema.LEDGER_AFTER, (after, LEDGER_PAGE_MAX)):
            yield page
            after = page[-1].order_id

    def ledger_of_order(self, order_id: str) -> list[LedgerEntry]:
        """The order's entry, whether the merchant gave its number or a text."""
        number = int(order_id) if order_id.isdecimal() and len(order_id) <= 16 else None
        return self._ledger(schema.LEDGER_OF_ORDER, (number, order_id, 2))

    def _ledger(self, statement: str, values: tuple[Any, ...]) -> list[LedgerEntry]:
        return [
            LedgerEntry(order_id=order_id, captured_cents=captured, refunded_cents=refunded)
            for order_id, captured, refunded in self._sql.execute(statement, values)
        ]

    # ---------------------------------------------------------------- rows

    def _number(self, statement: str) -> int:
        (number,) = self._sql.execute(statement).fetchone()
        return int(number)

    def _charge_number(self, charge_id: str) -> int | None:
        """The number in an id of these books; None for any other text."""
        number = charge_id.removeprefix(f"ch_{self._tag}_")
        is_ours = number.isdecimal() and 0 < len(number) <= _NUMBER_DIGITS_MAX
        return int(number) if is_ours and self.charge_id(int(number)) == charge_id else None

    def _insert_charges(self, rows: Sequence[tuple[Any, ...]]) -> int:
        size, inserted = schema.ROWS_AN_INSERT, 0
        single = len(rows) - len(rows) % size
        for start in range(0, single, size):
            values = list(chain.from_iterable(rows[start : start + size]))
            inserted += self._sql.execute(schema.INSERT_CHARGES, values).rowcount
        for row in rows[single:]:
            inserted += self._sql.execute(schema.INSERT_CHARGE, row).rowcount
        return inserted

    def _recorded_charge(self, row: tuple[Any, ...]) -> RecordedCharge:
        charge = Charge(
            id=self.charge_id(row[0]),
            idempotency_key=row[1],
            order_id=row[2],
            amount_cents=row[3],
            currency=row[4],
            status=row[7],
            decline_reason=row[8],
            captured_cents=row[9],
            refunded_cents=row[10],
            created_at=row[11],
        )
        return RecordedCharge(charge=charge, token=row[5], capture=bool(row[6]))

    def _refund(self, row: tuple[Any, ...]) -> Refund:
        return Refund(
            id=self.refund_id(row[0]),
            idempotency_key=row[1],
            charge_id=row[2],
            amount_cents=row[3],
            reason=row[4],
            status=row[5],
            failure_reason=row[6],
            created_at=row[7],
        )


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables of new books; refuse those of another version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(schema.SCHEMA)
        connection.execute(schema.INSERT_BOOKS, (uuid7().hex[-8:],))
    elif version != schema.SCHEMA_VERSION:
        raise ValueError(f"the books are of version {version}, not {schema.SCHEMA_VERSION}")


def read_summary(data_dir: Path) -> LedgerSummary:
    """Count and sum all the books, on a connection of its own: for any thread but the loop's. It
    is one statement, which lets go of the GIL until it is done."""
    with closing(sqlite3.connect(data_dir / BOOKS_FILE, isolation_level=None)) as connection:
        counts = connection.execute(schema.LEDGER_SUMMARY).fetchone()
    names = [field for field in LedgerSummary.__struct_fields__ if field != "simulated"]
    return LedgerSummary(**dict(zip(names, counts, strict=True)))
