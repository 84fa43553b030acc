"""Real faults on a real shop under load: processes, stores, broker, gateway; audited at the end.

running_shop.py callers.py      a shop as a person starts it, and who meets it
customers.py                    the load: orders, retries, cancellations, late payments, stock
faults/ catalog.py              what goes wrong, how, and with which broker
proxy.py skewed_clock.py        connections and clocks that can be interfered with
gathering.py                    the evidence for `feira.audit`
arena.py torturing.py report.py a run, from its seed to its report
"""
