"""One seed: the shop runs, everything goes wrong, all is healed, and the auditor looks."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any, Final

import anyio.to_thread

from feira.audit.auditing import audit
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment
from feira.chassis.work import Origin
from feira.services.catalog.application.ensure_products import EnsureProducts, SeedProduct
from feira.services.catalog.domain.product import Draft
from feira.simulation.admins import Administrator
from feira.simulation.bugs import listening
from feira.simulation.client import Client, History
from feira.simulation.customers import Customer
from feira.simulation.faults import Faults
from feira.simulation.gathering import evidence_of
from feira.simulation.goods import PRODUCTS, initial_stock, price_cents
from feira.simulation.loop import SimulatedLoop, Stuck, run_simulated
from feira.simulation.mishaps import bring_about
from feira.simulation.plan import Arrival, Plan
from feira.simulation.sales import TELLS_AHEAD_SECONDS, Hunter, Sales
from feira.simulation.shop import Shop
from feira.simulation.sold_out import SoldOutWatch

ADMIN_ID: Final = 1_000_000
HUNTER_ID: Final = 3_000_000
AUDITS: Final = 5
"""While customers come; two more when they have gone."""
OPENING_SECONDS_MAX: Final = 60.0
BROKEN_TOLD_MAX: Final = 10
LOOK_EVERY_SECONDS: Final = 5.0
LOOKS_MAX: Final = 720
"""An hour is enough for everything to come to rest."""


@dataclass(slots=True)
class Outcome:
    """What came of a run. Two runs of one plan have the same hash."""

    hash: str = ""
    violations: list[str] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    """How many ended how."""
    calls: int = 0
    virtual_seconds: float = 0.0
    steps: int = 0


def run(plan: Plan) -> Outcome:
    """Run a plan from its beginning to its end, in this thread. Nothing is left behind."""
    with listening() as bugs, _without_threads(), _without_garbage_collection():
        simulation: list[Simulation] = []

        async def scenario(loop: SimulatedLoop) -> None:
            simulation.append(Simulation(plan, loop))
            await simulation[0].run()

        outcome = Outcome()
        try:
            run_simulated(scenario)
        except Stuck as error:
            outcome.violations.append(f"the simulation is stuck: {error}")
        simulation[0].report(outcome)
        outcome.violations += bugs
        return outcome


class Simulation:
    def __init__(self, plan: Plan, loop: SimulatedLoop) -> None:
        self._plan = plan
        self._loop = loop
        self.faults = Faults(plan.kinds, Random(f"{plan.seed} faults"))
        self.shop = Shop(loop, plan.seed, self.faults)
        self.history = History()
        self.violations: list[str] = []
        loop.set_exception_handler(self._note_broken_callback)
        self._sales = Sales()
        self._sold_out = SoldOutWatch(self.shop)

    async def run(self) -> None:
        await self._open()
        async with asyncio.TaskGroup() as others:
            webhooks = others.create_task(self.shop.webhooks.run())
            watching = others.create_task(self._sold_out.run())
            for mishap in self._plan.mishaps:
                others.create_task(bring_about(mishap, self._plan, self.shop))
            others.create_task(self._audit_now_and_then())
            async with asyncio.TaskGroup() as clients:
                for arrival in self._plan.customers:
                    clients.create_task(self._customer(arrival))
                for arrival in self._plan.drops:
                    clients.create_task(self._drop(arrival))
                for arrival in self._plan.crowd:
                    clients.create_task(self._hunter(arrival))
                for arrival in self._plan.errands:
                    clients.create_task(self._errand(arrival))
            await asyncio.sleep(max(0.0, self._plan.seconds - self._loop.time()))
            self.shop.heal()
            await self._rest()
            webhooks.cancel()
            watching.cancel()
        self._audit(Moment.FINAL)
        self.violations += self._sold_out.false_ones(self.history.calls)
        for process in self.shop.all_processes:
            self.violations += process.failures
            process.die()

    def report(self, outcome: Outcome) -> None:
        orders = self.shop.tables("orders").orders
        outcome.violations += self.violations
        outcome.injected = self.faults.injected + self.shop.broker.injected
        outcome.orders = Counter(str(order.status) for order in orders.values())
        outcome.calls = len(self.history.calls)
        outcome.virtual_seconds = self._loop.time()
        outcome.steps = self._loop.steps
        outcome.hash = self._hash()

    def _note_broken_callback(self, _loop: Any, context: dict[str, Any]) -> None:
        """Of the simulation itself, or of the shop: neither may break unseen."""
        if len(self.violations) < BROKEN_TOLD_MAX:
            self.violations.append(f"broken: {context['message']}: {context.get('exception')!r}")

    async def _open(self) -> None:
        """All is well until the shop has what it sells."""
        self.faults.healed = True
        self.shop.start()
        customers = len(self._plan.customers)
        seeds = tuple(
            SeedProduct(
                key,
                Draft(code=f"SKU-{key}", name=f"Thing {key}", price_cents=price_cents(key)),
                initial_stock(key, customers),
            )
            for key in PRODUCTS
        )
        catalog = self.shop.processes["catalog"][0].service
        await catalog.lane.ask(EnsureProducts(seeds), origin=Origin("opening"))
        while not self._has_opened():
            assert self._loop.time() < OPENING_SECONDS_MAX, "the shop does not open"
            await asyncio.sleep(0.1)
        self.faults.healed = False

    def _has_opened(self) -> bool:
        known = (self.shop.tables("orders").products, self.shop.tables("inventory").stock)
        return all(len(rows) == len(PRODUCTS) for rows in known)

    async def _customer(self, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.at_seconds)
        chance = Random(f"{self._plan.seed} customer {arrival.number}")
        client = Client(self.shop, self.history, arrival.number, chance)
        await Customer(client).shop()

    async def _hunter(self, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.at_seconds)
        chance = Random(f"{self._plan.seed} hunter {arrival.number}")
        if self._sales.open:
            who = HUNTER_ID + arrival.number
            client = Client(self.shop, self.history, who, chance)
            await Hunter(client, chance.choice(self._sales.open)).hunt()

    async def _drop(self, arrival: Arrival) -> None:
        """Announced ahead, if there is time."""
        await asyncio.sleep(max(0.0, arrival.at_seconds - TELLS_AHEAD_SECONDS))
        chance = Random(f"{self._plan.seed} drop {arrival.number}")
        who = 2 * ADMIN_ID + arrival.number
        client = Client(self.shop, self.history, who, chance, is_admin=True)
        opens_at_seconds = max(arrival.at_seconds, self._loop.time())
        await self._sales.hold(client, opens_at_seconds)

    async def _errand(self, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.at_seconds)
        chance = Random(f"{self._plan.seed} errand {arrival.number}")
        who = ADMIN_ID + arrival.number
        client = Client(self.shop, self.history, who, chance, is_admin=True)
        await Administrator(client, self._paid_orders).run_errand()

    def _paid_orders(self) -> list[int]:
        orders = self.shop.tables("orders").orders
        return [order.id for order in orders.values() if str(order.status) == "paid"]

    async def _audit_now_and_then(self) -> None:
        for _ in range(AUDITS):
            await asyncio.sleep(self._plan.seconds / AUDITS)
            self._audit(Moment.AT_ONCE)

    async def _rest(self) -> None:
        """Time passes until nothing is under way any more, or for long enough."""
        for _ in range(LOOKS_MAX):
            if self._is_at_rest() or self.violations:
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        self._audit(Moment.AT_ONCE)
        await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _is_at_rest(self) -> bool:
        tables = self.shop.tables
        payments = tables("payments")
        waiting = (
            any(saga.open for saga in tables("orchestrator").sagas.values())
            or any(not order.settled for order in tables("orders").orders.values())
            or any(row.next_check_at for row in payments.payments.values())
            or any(row.next_check_at for row in payments.refunds.values())
            or any(database.chassis.outbox for database in self.shop.databases.values())
            or self.shop.webhooks.on_the_way
            or any(str(drop.status) != "closed" for drop in tables("flashsale").drops.values())
        )
        return not waiting

    def _audit(self, moment: Moment) -> None:
        if not self.violations:  # what follows from a first one tells nothing new
            found = audit(self.evidence(), moment)
            self.violations += [f"at {self._loop.time():.3f} s: {one}" for one in found]

    def evidence(self) -> Evidence:
        return evidence_of(self.shop, self.history)

    def _hash(self) -> str:
        """Of everything that can be seen from outside: calls, answers, books, rows, faults."""
        digest = blake2b(digest_size=16)
        for call in self.history.calls:
            digest.update(repr(call).encode())
        digest.update(repr(self.evidence()).encode())
        injected = self.faults.injected + self.shop.broker.injected
        seen: list[Any] = [sorted(injected.items()), self._loop.time(), self._loop.steps]
        digest.update(repr(seen).encode())
        return digest.hexdigest()


@contextmanager
def _without_threads() -> Iterator[None]:
    """What FastAPI would give to a thread (a dependency that does not wait) is done at once."""
    to_thread = anyio.to_thread.run_sync

    async def at_once(func: Any, *args: Any, **_options: Any) -> Any:
        return func(*args)

    anyio.to_thread.run_sync = at_once  # type: ignore[assignment]
    try:
        yield
    finally:
        anyio.to_thread.run_sync = to_thread


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """It would run finalizers at moments that depend on what ran before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
