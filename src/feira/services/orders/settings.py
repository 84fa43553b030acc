"""Settings of orders."""

from typing import ClassVar

from feira.chassis.settings import ServiceSettings


class OrdersSettings(ServiceSettings):
    service: ClassVar[str] = "orders"
