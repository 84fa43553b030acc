"""The whole shop in one thread, on a seeded loop with virtual time, and everything goes wrong.

What runs is the shop itself: domain, application, lanes, inboxes, outboxes, relays, consumers,
schedules, HTTP. What is simulated is the world around it: time, databases, the broker, the payment
provider, the network, clients. docs/simulation.md tells how, and what is not simulated.

    loop.py clocks.py         time that jumps to the next thing to do; clocks that differ
    faults.py weather.py      what goes wrong, how often, and a count of it
    bank.py provider.py       the payment provider: its books, and the port to it
    process.py shop.py        services as processes that die and come again, and the network
    plan.py client.py         who comes, what each wants, and what goes wrong when: from the seed
    customers.py admins.py
    gathering.py run.py       one seed: run, audit, hash
    shrinking.py campaign.py  the smallest plan that still fails; many seeds in several processes
"""
