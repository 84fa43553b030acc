"""Bodies of the flash-sale API (B6)."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

import msgspec
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from feira.chassis.http.fields import Amount, PositiveId
from feira.services.flashsale.application.start_campaign import StartCampaign
from feira.services.flashsale.domain.campaign import CrowdRules, Hourly
from feira.services.flashsale.domain.claim import Wish

UNITS_MAX: Final = 100_000
QUEUE_MAX: Final = 10_000
QUEUE_PER_UNIT: Final = 10
"""Who was refused does not come back: enough must wait for every unit to be paid by somebody."""
PER_CUSTOMER_MAX: Final = 100
TIME_MAX: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _in_range(moment: datetime) -> datetime:
    if not datetime(2000, 1, 1, tzinfo=UTC) <= moment < TIME_MAX:
        raise ValueError("must be a year from 2000 to 2199")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]
Hour = Annotated[int, Field(strict=True, ge=0, le=23)]


class ScheduleBody(BaseModel):
    """A drop in every hour, from one to another, of `America/Sao_Paulo`; both have one."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    every: Literal["hour"]
    first_hour: Hour = Field(default=0, alias="from")
    last_hour: Hour = Field(default=23, alias="to")


class CampaignBody(BaseModel):
    """`ends_at` may be left out by an hourly campaign, `starts_at` by one that starts now."""

    model_config = ConfigDict(extra="forbid")
    product_id: PositiveId
    price: Amount
    stock: Annotated[int, Field(strict=True, ge=1, le=UNITS_MAX)]
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    schedule: ScheduleBody | None = None
    per_customer: Annotated[int, Field(strict=True, ge=1, le=PER_CUSTOMER_MAX)] = 1
    pay_seconds: Annotated[int, Field(strict=True, ge=1, le=86_400)] | None = None
    queue_max: Annotated[int, Field(strict=True, ge=0, le=QUEUE_MAX)] | None = None
    carry_over: Annotated[bool, Field(strict=True)] = False
    admission: Annotated[bool, Field(strict=True)] = False
    admission_per_second: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 50
    admission_at_once: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 200
    challenge_bits: Annotated[int, Field(strict=True, ge=0, le=24)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.price == 0:
            raise ValueError("price must not be 0")
        if self.schedule is None and self.ends_at is None:
            raise ValueError("ends_at is required where there is no schedule")
        return self


def campaign_of(body: CampaignBody, pay_seconds_default: int) -> StartCampaign:
    schedule = body.schedule
    queue_max = min(body.stock * QUEUE_PER_UNIT, QUEUE_MAX)
    return StartCampaign(
        product_id=body.product_id,
        price_cents=body.price,
        units=body.stock,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        hourly=Hourly(schedule.first_hour, schedule.last_hour) if schedule else None,
        per_customer=body.per_customer,
        queue_max=queue_max if body.queue_max is None else body.queue_max,
        pay_seconds=body.pay_seconds or pay_seconds_default,
        carries_over=body.carry_over,
        crowd=CrowdRules(
            body.admission, body.admission_per_second, body.admission_at_once, body.challenge_bits
        ),
    )


# --- claims --------------------------------------------------------------------------------------

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AddressBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    street: Word
    number: Word
    city: Word
    state: Word
    country: Word
    zipcode: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    district: Word | None = None
    complement: Word | None = None


class DeliveryBody(msgspec.Struct, kw_only=True):
    address: AddressBody


class PaymentBody(msgspec.Struct, kw_only=True):
    """A provider's token stands for the card: card numbers never come here."""

    method: Literal["card"]
    token: Word


class ClaimBody(msgspec.Struct, kw_only=True):
    """Both may be left out: the order can be paid later, until its unit is held no more."""

    delivery: DeliveryBody | None = None
    payment: PaymentBody | None = None


NOTHING_SAID: Final = ClaimBody()
_encode: Final = msgspec.json.Encoder().encode


def wish_of(body: ClaimBody, customer_id: int, arrived_at: datetime) -> Wish:
    payment = body.payment
    return Wish(
        customer_id,
        arrived_at,
        _encode(body.delivery).decode() if body.delivery else None,
        payment.method if payment else None,
        payment.token if payment else None,
    )
