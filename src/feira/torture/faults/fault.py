"""A kind of fault."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from feira.torture.arena import Arena

Strike = Callable[[Arena, Random], Awaitable[str]]
"""Does it, undoes it after a while, and says in words what was done."""

OFTEN: Final = (4.0, 20.0)


class Missed(Exception):
    """What was to be struck was not there at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`every_seconds`: how long it stays away, at least and at most."""

    name: str
    strike: Strike
    every_seconds: tuple[float, float] = OFTEN
    not_with: Mapping[str, str] = field(default_factory=dict)
    """Why not, by broker."""
    needs_disks: bool = False
    stands_alone: bool = False
    """Nothing else strikes while it does."""
