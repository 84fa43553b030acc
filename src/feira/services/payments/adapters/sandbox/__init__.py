"""The payment sandbox as a provider: its API over HTTP, its webhooks."""
