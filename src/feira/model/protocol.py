"""The moves of the protocol: what may happen next in a world."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from feira.model.courses import RECIPIENTS, Course, Courses, Noted
from feira.model.deciding import Step
from feira.model.promises import Standing, contradiction
from feira.model.provider import Call, ProviderBooks, answers
from feira.model.scope import PRODUCT_ID, Scope
from feira.model.services import (
    CARD,
    CLOCK,
    CUSTOMER_ID,
    accepted,
    end_hold,
    inventory_step,
    orders_step,
    payments_step,
    saga_step,
)
from feira.services.inventory.adapters.memory import MemoryInventory
from feira.services.inventory.domain.reservation import ReservationStatus
from feira.services.inventory.domain.stock import StockItem
from feira.services.orchestrator.adapters.memory import MemorySagas
from feira.services.orchestrator.application.sweep_purchases import SweepPurchases
from feira.services.orders.application.cancel_order import CancelOrder
from feira.services.orders.application.remind_saga import RemindSaga
from feira.services.orders.application.submit_payment import SubmitPayment
from feira.services.orders.domain.order import OPEN
from feira.services.payments.adapters.memory import MemoryPayments
from feira.services.payments.application.check_payments import CheckPayments
from feira.services.payments.application.retry_refunds import RetryRefunds

STEPS: Final[dict[str, Callable[[Any, Any, bool], Step]]] = {
    "orders": orders_step,
    "orchestrator": saga_step,
    "payments": payments_step,
}


class Mishap(NamedTuple):
    """Something that is not a service's doing."""

    what: str


TIME_IS_OVER: Final = Mishap("the time to pay is over")
END_OF_HOLD: Final = Mishap("the hold ends by inventory's clock")


class Label(NamedTuple):
    """What happened, and whether it helps: people and mishaps need not ever do their part."""

    order_id: int
    actor: str
    what: Any
    calm: bool = True


THE_GREAT_LOSS: Final = Label(0, "the network", Mishap("all that is under way is lost"), calm=False)


class Broken(Exception):
    """A service breaks its word: a use case raises, or takes back what was told."""

    def __init__(self, label: Label, what: str) -> None:
        super().__init__(what)
        self.label = label
        self.what = what


class Move(NamedTuple):
    label: Label
    inventory: int
    course: int


class Protocol:
    """What may happen to a purchase, given how inventory stands. All is worked out once."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.courses = Courses(scope.unread_progress_max)
        self._own: dict[int, list[tuple[Label, int]]] = {}
        self._shared: dict[tuple[int, int], list[Move]] = {}
        self.noted: dict[tuple[Any, ...], Noted] = {}
        self._answers: dict[tuple[int, Call], list[tuple[Any, Noted]]] = {}

    def start(self) -> tuple[int, ...]:
        """Inventory, and the courses of all orders, which have just been accepted."""
        stock = {PRODUCT_ID: StockItem(PRODUCT_ID, self.scope.units)}
        inventory = self.courses.databases.number(MemoryInventory(stock=stock))
        orders = enumerate(self.scope.pays_at_once, start=1)
        return inventory, *(self._accepted(order_id, at_once) for order_id, at_once in orders)

    def moves(self, inventory: int, course: int) -> Iterator[Move]:
        own = self._own.get(course)
        if own is None:
            all_own = self._own_moves(self.courses.courses[course])
            own = self._own[course] = [move for move in all_own if move[1] != course]
        for label, after in own:
            yield Move(label, inventory, after)
        shared = self._shared.get((inventory, course))
        if shared is None:
            moves = self._shared_moves(inventory, self.courses.courses[course])
            shared = self._shared[inventory, course] = list(moves)
        yield from shared

    def with_nothing_under_way(self, course: int) -> int:
        return self.courses.number(self.courses.courses[course]._replace(under_way=0))

    def stock(self, inventory: int) -> MemoryInventory:
        database = self.courses.databases.values[inventory]
        assert isinstance(database, MemoryInventory)
        return database

    def standing(self, inventory: int, number: int) -> Standing:
        course = self.courses.courses[number]
        order = self.courses.order(course)
        return Standing(
            order,
            self.courses.database(course, "orchestrator").sagas.get(order.id),
            self.courses.database(course, "payments"),
            self.courses.database(course, "provider"),
            self.stock(inventory).reservations.get(order.id),
            progress_is_told=self.scope.unread_progress_max > 0,
        )

    def _accepted(self, order_id: int, pays_at_once: bool) -> int:
        numbers = self.courses.databases
        course = Course(
            orders=0,
            orchestrator=numbers.number(MemorySagas(clock=CLOCK)),
            payments=numbers.number(MemoryPayments()),
            provider=numbers.number(ProviderBooks()),
            late=False,
            under_way=0,
        )
        noted = self.courses.noted(accepted(order_id, pays_at_once=pays_at_once))
        return self.courses.number(_after(course, "orders", noted))

    # --- what touches this purchase alone --------------------------------------------------------

    def _own_moves(self, course: Course) -> Iterator[tuple[Label, int]]:
        number = self.courses.number
        order_id = self.courses.order(course).id
        for label, noted in self._all_steps(course, order_id):
            self._check_word_is_kept(label, course, noted)
            yield label, number(_after(course, label.actor, noted))
        if self._may_be_late(course):
            label = Label(order_id, "the clock", TIME_IS_OVER)
            yield label, number(course._replace(late=True))

    def _all_steps(self, course: Course, order_id: int) -> Iterator[tuple[Label, Noted]]:
        for item in self.courses.under_way(course):
            actor = RECIPIENTS[type(item)]
            if actor == "provider":
                for said, noted in self._provider_does(course, item):
                    yield Label(order_id, actor, (item, *said)), noted
            elif actor != "inventory":
                label = Label(order_id, actor, item)
                yield label, self._does(course, label)
        for actor, command, calm in self._started_by_themselves(course, order_id):
            label = Label(order_id, actor, command, calm)
            yield label, self._does(course, label)

    def _started_by_themselves(
        self, course: Course, order_id: int
    ) -> Iterator[tuple[str, Any, bool]]:
        order = self.courses.order(course)
        if self.scope.cancels and order.status in OPEN:
            yield "orders", CancelOrder(order_id, CUSTOMER_ID), False
        if order.status in OPEN and order.payment_attempts < self.scope.attempts_max:
            yield "orders", SubmitPayment(order_id, CUSTOMER_ID, CARD), False
        if not order.settled:
            yield "orders", RemindSaga(quiet_seconds=0), True
        yield "orchestrator", SweepPurchases(), True
        yield "payments", CheckPayments(), True
        yield "payments", RetryRefunds(), True

    def _does(self, course: Course, label: Label) -> Noted:
        key = (getattr(course, label.actor), label.what, course.late)
        if key not in self.noted:
            database, step = self.courses.database(course, label.actor), STEPS[label.actor]
            self.noted[key] = self._note(label, lambda: step(database, label.what, course.late))
        return self.noted[key]

    def _note(self, label: Label, step: Callable[[], Step]) -> Noted:
        try:
            return self.courses.noted(step())
        except Exception as error:
            raise Broken(label, f"a use case breaks: {error!r}") from error

    def _check_word_is_kept(self, label: Label, course: Course, noted: Noted) -> None:
        if label.actor != "orders" or noted.after == course.orders:
            return
        (after,) = self.courses.databases.values[noted.after].orders.values()
        fault = contradiction(self.courses.order(course), after)
        if fault:
            raise Broken(label, fault)

    def _provider_does(self, course: Course, call: Call) -> list[tuple[Any, Noted]]:
        key = (course.provider, call)
        if key not in self._answers:
            books = self.courses.database(course, "provider")
            steps = answers(books, call, self.scope)
            self._answers[key] = [(step.said, self.courses.noted(step)) for step in steps]
        return self._answers[key]

    def _may_be_late(self, course: Course) -> bool:
        sagas = self.courses.database(course, "orchestrator").sagas
        return self.scope.time_to_pay_ends and bool(sagas) and not course.late

    # --- what touches the stock ------------------------------------------------------------------

    def _shared_moves(self, inventory: int, course: Course) -> Iterator[Move]:
        database = self.stock(inventory)
        order_id = self.courses.order(course).id
        for item in self.courses.under_way(course):
            if RECIPIENTS[type(item)] == "inventory":
                label = Label(order_id, "inventory", item)
                yield self._shared_move(
                    label, inventory, course, partial(inventory_step, database, item)
                )
        held = database.reservations.get(order_id)
        if self.scope.holds_end and held and held.status is ReservationStatus.HELD:
            label = Label(order_id, "inventory", END_OF_HOLD, calm=False)
            yield self._shared_move(label, inventory, course, partial(end_hold, database, order_id))

    def _shared_move(
        self, label: Label, inventory: int, course: Course, step: Callable[[], Step]
    ) -> Move:
        key = (inventory, label.order_id, label.what)
        if key not in self.noted:
            self.noted[key] = self._note(label, step)
        noted = self.noted[key]
        after = course._replace(under_way=course.under_way | noted.said)
        return Move(label, noted.after, self.courses.number(after))


def _after(course: Course, actor: str, noted: Noted) -> Course:
    changed: dict[str, Any] = {actor: noted.after, "under_way": course.under_way | noted.said}
    return course._replace(**changed)
