"""What the tests of components share."""

from tests.postgres import postgres_server

__all__ = ["postgres_server"]
