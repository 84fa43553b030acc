"""What RabbitMQ refuses now and grants a moment later.

A stream is there for all as soon as one declares it, and is started after that: until then, and
while its leader is elected, who reads or writes it is refused. What is refused with an internal
error loses its connection too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from feira.chassis.transports.amqp_link import Refused
from feira.chassis.transports.amqp_settings import AmqpLimits

PAUSES_SECONDS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 0.8, 0.8, 0.8)

Result = TypeVar("Result")


async def patiently(attempt: Callable[[], Awaitable[Result]], limits: AmqpLimits) -> Result:
    """Try again while the reason for a refusal may pass; at most `refused_seconds_max` long, and as
    often as there are pauses. Each attempt opens its connection if it is lost.

    Raises what the last attempt raised.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + limits.refused_seconds_max
    for pause_seconds in PAUSES_SECONDS:
        try:
            return await attempt()
        except Refused as refused:
            if not refused.may_pass or loop.time() + pause_seconds > until:
                raise
        await asyncio.sleep(pause_seconds)
    return await attempt()
