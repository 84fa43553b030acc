"""Who a request comes from, once its token is verified."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

ADMIN: Final = "admin"
ROLE_LENGTH_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller a valid access token names; `expires_at` is the token's end, in UTC.

    The chassis knows one role, `admin`; every other name is a plain user to it.
    """

    id: int
    role: str
    session_id: str
    expires_at: datetime

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN
