"""Waiting, as every test does: bounded, and never by the clock alone."""

from feira.torture.eventually import eventually

__all__ = ["eventually"]
