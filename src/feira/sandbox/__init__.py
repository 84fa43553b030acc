"""The payment sandbox: a SIMULATED payment provider, for the embedded shop and for tests.

No money moves here. It runs as its own process (`python -m feira.sandbox`), keeps its own books and
knows nothing of Feira's services, as a real provider would: they meet over HTTP and webhooks only.

- `decisions`: what each test token does, what may be captured, voided, refunded (pure)
- `provider`: the use cases, each inside one transaction of the books
- `books`, `schema`, `webhook_queue`: what was charged and refunded, and what is still to be told
- `group_commit`: one fsync for all that arrived together
- `webhooks`, `http_post`: signed, retried deliveries
- `api`, `charge_batch`, `gate`, `wire`: the provider's HTTP API; `messages`: its JSON
- `controls`: how a test makes it slow, failing or silent
- `process`: the parts list
"""
