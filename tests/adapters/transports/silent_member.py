"""A program: joins a group, prints what it receives, acknowledges nothing, waits to be killed."""

import asyncio
import sys

from feira.chassis.transports.opening import open_transport


async def main(url: str, group: str, topic: str) -> None:
    transport = open_transport(url, partitions=4, member="silent")
    subscription = await transport.subscribe(group, [topic])
    while True:
        deliveries = await subscription.receive()
        if deliveries:
            ids = " ".join(str(delivery.envelope.id) for delivery in deliveries)
            sys.stdout.write(f"{ids}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
