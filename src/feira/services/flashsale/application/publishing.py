"""What flash sales tell the world: from what stands in their books to the contract."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from feira.contracts import flashsale as contracts
from feira.contracts.message import Message
from feira.contracts.orders import PaymentMethod
from feira.services.flashsale.domain.claim import Claim
from feira.services.flashsale.domain.drop import Drop

CLAIMS_A_MESSAGE_MAX: Final = 250

T = TypeVar("T")


def of_winners(drop: Drop, winners: Sequence[Claim]) -> Iterator[Message]:
    """The orders of those who have just got a unit, and the news of it."""
    yield from orders_requested(drop, winners)
    for some in _parts(winners):
        yield contracts.ClaimsWon(
            drop_id=drop.id,
            product_id=drop.product_id,
            price_cents=drop.price_cents,
            claims=tuple(
                contracts.WonClaim(
                    customer_id=winner.customer_id,
                    order_id=_order_of(winner),
                    pay_until=_deadline_of(winner),
                )
                for winner in some
            ),
        )


def orders_requested(drop: Drop, winners: Sequence[Claim]) -> Iterator[Message]:
    for some in _parts(winners):
        yield contracts.OrdersRequested(
            drop_id=drop.id,
            product_id=drop.product_id,
            price_cents=drop.price_cents,
            orders=tuple(map(_requested, some)),
        )


def claims_lapsed(drop: Drop, lapsed: Sequence[Claim]) -> Iterator[Message]:
    for some in _parts(lapsed):
        yield contracts.ClaimsLapsed(
            drop_id=drop.id,
            claims=tuple(
                contracts.LapsedClaim(customer_id=claim.customer_id, order_id=_order_of(claim))
                for claim in some
            ),
        )


def set_aside_stock(drop: Drop) -> Message:
    return contracts.SetAsideStock(
        allotment_id=drop.id, product_id=drop.product_id, quantity=drop.units
    )


def give_back_stock(drop: Drop) -> Message:
    return contracts.GiveBackStock(allotment_id=drop.id)


def drop_opened(drop: Drop) -> Message:
    return contracts.DropOpened(
        drop_id=drop.id,
        campaign_id=drop.campaign_id,
        product_id=drop.product_id,
        price_cents=drop.price_cents,
        units=drop.set_aside or 0,
        ends_at=drop.ends_at,
    )


def drop_closed(drop: Drop) -> Message:
    return contracts.DropClosed(
        drop_id=drop.id,
        campaign_id=drop.campaign_id,
        product_id=drop.product_id,
        set_aside=drop.set_aside or 0,
        sold=drop.sold,
        given_back=drop.given_back,
    )


def _requested(winner: Claim) -> contracts.RequestedOrder:
    method, token = winner.payment_method, winner.payment_token
    return contracts.RequestedOrder(
        order_id=_order_of(winner),
        customer_id=winner.customer_id,
        pay_until=_deadline_of(winner),
        delivery=winner.delivery,
        payment=PaymentMethod(method=method, token=token) if method and token else None,
    )


def _deadline_of(claim: Claim) -> datetime:
    assert claim.pay_until is not None, "a claim that won is to be paid in time"
    return claim.pay_until


def _order_of(claim: Claim) -> int:
    assert claim.order_id is not None, "a claim that won has an order"
    return claim.order_id


def _parts(claims: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(claims)
    while some := tuple(islice(rest, CLAIMS_A_MESSAGE_MAX)):
        yield some
