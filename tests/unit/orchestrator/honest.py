"""Inventory and payments as the saga may expect them: simple, honest, and slow when they like."""

from dataclasses import dataclass, field
from random import Random

from feira.contracts import inventory as stock
from feira.contracts import orchestrator as asked
from feira.contracts import payments as money
from feira.contracts.message import Message


@dataclass
class HonestInventory:
    """One unit a purchase. What was decided for an order is decided for good."""

    units: int
    status: dict[int, str] = field(default_factory=dict)
    """held, sold, released or refused, by order."""

    @property
    def promised(self) -> int:
        return sum(status in ("held", "sold") for status in self.status.values())

    def hear(self, command: Message) -> list[Message]:
        match command:
            case asked.ReserveStock(order_id=order_id):
                free = self.promised < self.units
                self.status.setdefault(order_id, "held" if free else "refused")
            case asked.ConfirmReservation(order_id=order_id):
                if self.status.get(order_id) == "held":
                    self.status[order_id] = "sold"
            case asked.ReleaseStock(order_id=order_id):
                if self.status.get(order_id) != "refused":
                    self.status[order_id] = "released"
                return [stock.ReservationReleased(order_id=order_id)]
            case _:
                raise AssertionError(f"not for inventory: {command}")
        return [self._as_it_is(order_id, command)]

    def end_hold(self, order_id: int) -> list[Message]:
        """The hold ends by itself, whatever the saga thinks."""
        if self.status.get(order_id) != "held":
            return []
        self.status[order_id] = "released"
        return [stock.ReservationReleased(order_id=order_id, expired=True)]

    def _as_it_is(self, order_id: int, command: Message) -> Message:
        match self.status.get(order_id), command:
            case "held", _:
                return stock.StockReserved(order_id=order_id)
            case "sold", _:
                return stock.ReservationConfirmed(order_id=order_id)
            case "refused", asked.ReserveStock():
                return stock.StockInsufficient(order_id=order_id, missing=())
            case _:
                return stock.ReservationReleased(order_id=order_id)


@dataclass
class HonestPayments:
    """Captures an order at most once, and keeps nothing of one that is canceled."""

    chance: Random
    verdicts: dict[tuple[int, int], str] = field(default_factory=dict)
    """waiting, captured or declined, by order and attempt."""
    canceled: set[int] = field(default_factory=set)
    captured_cents: dict[int, int] = field(default_factory=dict)
    refunded_cents: dict[int, int] = field(default_factory=dict)

    def hear(self, command: Message) -> list[Message]:
        match command:
            case asked.CancelPayment(order_id=order_id):
                self.canceled.add(order_id)
                self._give_back(order_id)
                return [self._canceled(order_id)]
            case asked.RequestPayment(order_id=order_id):
                return self._request(command)
            case _:
                raise AssertionError(f"not for payments: {command}")

    def _request(self, command: asked.RequestPayment) -> list[Message]:
        order_id, attempt = command.order_id, command.attempt
        if order_id in self.canceled:
            return [self._canceled(order_id)]
        if order_id not in self.captured_cents:
            verdict = self.verdicts.get((order_id, attempt), "waiting")
            if verdict == "waiting":
                verdict = self.chance.choice(["waiting", "captured", "captured", "declined"])
                self.verdicts[order_id, attempt] = verdict
            if verdict == "captured":
                self.captured_cents[order_id] = command.amount_cents
            if verdict == "declined":
                return [self._failed(order_id, attempt)]
            if verdict == "waiting":
                return []
        return [
            money.PaymentConfirmed(
                order_id=order_id,
                payment_id=order_id,
                attempt=attempt,
                amount_cents=self.captured_cents[order_id],
            )
        ]

    def _give_back(self, order_id: int) -> None:
        self.refunded_cents[order_id] = self.captured_cents.get(order_id, 0)

    def _failed(self, order_id: int, attempt: int) -> Message:
        return money.PaymentFailed(
            order_id=order_id, payment_id=order_id, attempt=attempt, reason="declined"
        )

    def _canceled(self, order_id: int) -> Message:
        return money.PaymentCanceled(
            order_id=order_id,
            captured_cents=self.captured_cents.get(order_id, 0),
            refunded_cents=self.refunded_cents.get(order_id, 0),
        )
