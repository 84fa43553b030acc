"""Whole purchases over a bad network: orders and orchestrator as they are, the others honest.

Messages are delayed, reordered, repeated and lost; customers cancel and pay again; holds end. Once
that is over, every purchase comes to rest with books that agree.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feira.chassis.memory.database import MemoryDatabase
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.errors import Refused
from feira.services.orchestrator.application.sweep_purchases import AskAllAgain, SweepPurchases
from feira.services.orchestrator.domain.purchase_saga import Saga
from feira.services.orchestrator.entrypoints.consumer import LISTENS_TO as SAGA_LISTENS_TO
from feira.services.orders.application.cancel_order import CancelOrder
from feira.services.orders.application.remind_saga import RemindSaga
from feira.services.orders.application.submit_payment import SubmitPayment
from feira.services.orders.domain.order import Order
from feira.services.orders.entrypoints.consumer import LISTENS_TO as ORDERS_LISTEN_TO
from tests.batches import told_by
from tests.unit.orchestrator.honest import HonestInventory, HonestPayments
from tests.unit.orchestrator.world import World as Sagas
from tests.unit.orders.world import CARD, CUSTOMER, START, placing, product
from tests.unit.orders.world import World as Orders

PRICE_CENTS: Final = 10_00
TICKS_MAX: Final = 150


class Shop:
    def __init__(self, seed: int, *, losing: bool) -> None:
        self.chance = Random(seed)
        self.losing = losing
        self.clock = ManualClock(START)
        self.orders, self.sagas = Orders(clock=self.clock), Sagas(clock=self.clock)
        self.inventory = HonestInventory(units=2)
        self.payments = HonestPayments(self.chance)
        self.under_way: list[Message] = []
        self.placed: list[int] = []

    async def place(self, *, pays_at_once: bool) -> int:
        command = placing((1, 1), payment=CARD if pays_at_once else None)
        order = (await self._ask(self.orders, command))[0]
        self.placed.append(order.id)
        return int(order.id)

    async def live(self, steps: int) -> None:
        """Anything may happen, in any order."""
        for _ in range(steps):
            act = self.chance.choice(
                [*[self._carry] * 6, self._cancel, self._pay, self._pass_time, self._end_a_hold]
            )
            await act()

    async def calm_down(self) -> None:
        """From now on nothing is lost; time passes until all is at rest."""
        self.losing = False
        for _ in range(TICKS_MAX):
            while self.under_way:
                await self._carry()
            if self.at_rest:
                return
            await self._pass_time(60)
        raise AssertionError(f"never at rest: {self.open_ones()}")

    async def until(self, order_id: int, come_to: Callable[[Saga], bool]) -> None:
        """Carry messages until the order's saga has come so far."""
        for _ in range(200):
            saga = self.sagas.sagas.get(order_id)
            if saga is not None and come_to(saga):
                return
            await self._carry()
        raise AssertionError(f"not there: {self.sagas.sagas}")

    async def lose_all_messages(self) -> None:
        """The broker is wiped: the services are told, and say again what still matters."""
        self.under_way.clear()
        await self._ask(self.sagas, AskAllAgain())
        await self._ask(self.orders, RemindSaga(quiet_seconds=0))

    @property
    def at_rest(self) -> bool:
        return not self.open_ones()

    def open_ones(self) -> list[tuple[Order, Saga | None]]:
        both = [(self.order(i), self.sagas.sagas.get(i)) for i in self.placed]
        return [(o, saga) for o, saga in both if not o.settled or saga is None or saga.open]

    def order(self, order_id: int) -> Order:
        return self.orders.tables.orders[order_id]

    async def _carry(self) -> None:
        if not self.under_way:
            return
        at = self.chance.randrange(len(self.under_way))
        message = self.under_way[at]
        if self.chance.random() < 0.8:  # or else it comes again
            del self.under_way[at]
        if self.losing and self.chance.random() < 0.1:
            return
        await self._deliver(message)

    async def _deliver(self, message: Message) -> None:
        match message.TOPIC:
            case "inventory.commands":
                self.under_way += self.inventory.hear(message)
            case "payments.commands":
                self.under_way += self.payments.hear(message)
            case _:
                if type(message) in SAGA_LISTENS_TO:
                    await self._ask(self.sagas, message)
                if type(message) in ORDERS_LISTEN_TO:
                    await self._ask(self.orders, message)

    async def _ask(self, service: Orders | Sagas, *commands: Any) -> list[Any]:
        outcomes = await service.batches.do(*commands)
        database: MemoryDatabase[Any] = service.database
        self.under_way += [told.message for told in told_by(database)]
        database.chassis.outbox.clear()
        return outcomes

    async def _cancel(self) -> None:
        if self.chance.random() < 0.2:
            await self._ask(self.orders, CancelOrder(self.chance.choice(self.placed), CUSTOMER))

    async def _pay(self) -> None:
        await self._ask(self.orders, SubmitPayment(self.chance.choice(self.placed), None, CARD))

    async def _pass_time(self, seconds: float | None = None) -> None:
        if seconds is None:
            seconds = self.chance.choice([1, 20, 130, 500])
        self.clock.advance(START.resolution * int(seconds * 1_000_000))
        await self._ask(self.sagas, SweepPurchases())
        await self._ask(self.orders, RemindSaga())

    async def _end_a_hold(self) -> None:
        if self.chance.random() < 0.2:
            self.under_way += self.inventory.end_hold(self.chance.choice(self.placed))


async def opened(seed: int, *, losing: bool) -> Shop:
    shop = Shop(seed, losing=losing)
    await shop.orders.batches.do(product(1, PRICE_CENTS))
    for at in range(3):
        await shop.place(pays_at_once=at != 1)
    return shop


def check_books(shop: Shop) -> None:
    for order_id in shop.placed:
        order, saga = shop.order(order_id), shop.sagas.sagas[order_id]
        captured = shop.payments.captured_cents.get(order_id, 0)
        refunded = shop.payments.refunded_cents.get(order_id, 0)
        stock = shop.inventory.status.get(order_id)
        if order.status == "paid":
            assert saga.state == "completed"
            assert (captured, refunded, stock) == (PRICE_CENTS, 0, "sold")
            assert (order.captured_cents, order.payment_status) == (PRICE_CENTS, "approved")
        else:
            assert (order.status, saga.state) == ("canceled", "canceled")
            assert (order.captured_cents, order.refunded_cents) == (captured, refunded)
            assert captured == refunded
            assert stock not in ("held", "sold")
            assert order.payment_status != "approved"
    assert shop.inventory.promised <= shop.inventory.units


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 150))
async def test_purchases_come_to_rest_with_books_that_agree(seed: int, steps: int) -> None:
    shop = await opened(seed, losing=False)
    await shop.live(steps)
    await shop.calm_down()
    check_books(shop)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 150))
async def test_lost_messages_only_cost_time(seed: int, steps: int) -> None:
    shop = await opened(seed, losing=True)
    await shop.live(steps)
    await shop.lose_all_messages()
    await shop.live(steps // 2)
    await shop.calm_down()
    check_books(shop)


@pytest.mark.parametrize("pays_at_once", [True, False])
async def test_a_settlement_that_was_lost_is_told_again(pays_at_once: bool) -> None:
    """The saga is at rest and asks no more: the order's own reminder has to bring it back."""
    shop = Shop(1, losing=False)
    await shop.orders.batches.do(product(1, PRICE_CENTS))
    order_id = await shop.place(pays_at_once=pays_at_once)
    await shop._ask(shop.orders, CancelOrder(order_id, CUSTOMER))
    await shop.until(order_id, lambda saga: not saga.open)
    shop.under_way.clear()
    assert not shop.order(order_id).settled

    await shop.calm_down()
    check_books(shop)


async def test_a_refused_payment_that_was_lost_is_told_again() -> None:
    """Or else the customer could not pay by other means until the hold ends."""
    shop = Shop(1, losing=False)
    await shop.orders.batches.do(product(1, PRICE_CENTS))
    order_id = await shop.place(pays_at_once=False)
    shop.payments.verdicts[order_id, 1] = "declined"
    await shop._ask(shop.orders, SubmitPayment(order_id, CUSTOMER, CARD))
    await shop.until(order_id, lambda saga: saga.payment_status == "declined")
    shop.under_way.clear()
    (refused,) = await shop._ask(shop.orders, SubmitPayment(order_id, CUSTOMER, CARD))
    assert isinstance(refused, Refused)
    assert refused.code == "payment_in_progress"

    await shop._pass_time(60)
    while shop.under_way:
        await shop._carry()
    (paying,) = await shop._ask(shop.orders, SubmitPayment(order_id, CUSTOMER, CARD))
    assert isinstance(paying, Order)
