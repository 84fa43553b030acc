"""The published language, written down: AsyncAPI, JSON Schemas, `docs/events.md`.

Everything is derived: messages from `feira.contracts`, who sends them from the file they stand in,
who listens from the services' own `entrypoints/consumer.py`.
"""
