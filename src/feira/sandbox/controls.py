"""What a test may change while the provider runs, to play a slow or failing one."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

Milliseconds = Annotated[int, Meta(ge=0, le=600_000)]


class Controls(Struct, kw_only=True):
    """How the provider misbehaves at the moment; kept in memory, so a restart mends it.

    `latency_ms`: each answer under /v1 comes that much later; what it did is in the books already.
    `fail_next_requests`: that many requests under /v1 answer 500 and do nothing.
    `webhook_delay_ms`: webhooks made from now on wait that long.
    `webhooks_paused`: nothing is sent until it is false again.
    """

    latency_ms: int = 0
    fail_next_requests: int = 0
    webhook_delay_ms: int = 0
    webhooks_paused: bool = False

    def change(self, change: "ControlChange") -> None:
        for name, value in asdict(change).items():
            if value is not UNSET:
                setattr(self, name, value)

    def take_failure(self) -> bool:
        """Whether this request is one of those that must fail."""
        if self.fail_next_requests == 0:
            return False
        self.fail_next_requests -= 1
        return True


class ControlChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The controls to change; the others stay."""

    latency_ms: Milliseconds | UnsetType = UNSET
    fail_next_requests: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType = UNSET
    webhook_delay_ms: Milliseconds | UnsetType = UNSET
    webhooks_paused: bool | UnsetType = UNSET
