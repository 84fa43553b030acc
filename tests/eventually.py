"""Waiting, as every test does: bounded, and never by the clock alone."""

from feira.torture.eventually import PATIENCE_SECONDS, eventually

__all__ = ["PATIENCE_SECONDS", "eventually"]
