"""An auditor of the shop: does what everybody says of its orders, stock and money agree?

It is independent of what it audits: it reads what clients asked and were answered, the payment
provider's books and the rows of the stores, as plain values, and says every rule again in its own
words. It imports nothing of the shop but the kernel's values.

    evidence.py    what it reads
    auditing.py    `audit(evidence, moment)`: the list of rules, and the violations they find
    stock.py orders.py money.py sagas.py answers.py effects.py messages.py drops.py   the rules
    story.py       an order's life as all records tell it, for people
"""
