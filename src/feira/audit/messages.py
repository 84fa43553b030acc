"""Messages: all of them went out, and only what was made to be unreadable was buried."""

from collections.abc import Iterator
from typing import Final

from feira.audit.case import Case
from feira.audit.finding import ALWAYS, RESTING, Finding, Rule

LETTERS: Final = "dead letters"


def no_honest_message_is_buried(case: Case) -> Iterator[Finding]:
    for letter in case.evidence.dead_letters:
        if letter.plant is None:
            yield Finding(letter.service, "no dead letter", letter.what, LETTERS)


def every_plant_is_buried(case: Case) -> Iterator[Finding]:
    """What cannot be handled is kept for people, and not lost."""
    buried = {letter.plant for letter in case.evidence.dead_letters}
    for plant in sorted(case.evidence.plants - buried):
        yield Finding(f"message {plant}", "among the dead letters", "nowhere", LETTERS)


def everything_went_out(case: Case) -> Iterator[Finding]:
    for service, count in case.evidence.unpublished.items():
        if count:
            yield Finding(service, "an empty outbox", f"{count} envelopes wait", "the outbox")


RULES: Final = (
    Rule("no honest message is buried", ALWAYS, no_honest_message_is_buried),
    Rule("what nobody can read is buried", RESTING, every_plant_is_buried),
    Rule("everything went out", RESTING, everything_went_out),
)
