"""The services: one bounded context each, with its own database; they share only `contracts`."""
