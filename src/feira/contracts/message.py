"""The base of every message."""

from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A fact (event) or a wish (command) that one service sends to others.

    A subclass states its name on the wire (`TYPE`), where it travels (`TOPIC`), and the field whose
    value keeps its order among the messages of one aggregate (`KEY`).
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    KEY: ClassVar[str]

    @property
    def key(self) -> str:
        return str(getattr(self, self.KEY))
