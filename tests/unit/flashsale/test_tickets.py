"""Tickets and challenges: ours alone, one customer's, for a while."""

import hashlib
from datetime import timedelta
from itertools import count

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from feira.services.flashsale.adapters.tickets import SignedChallenges, SignedTickets
from feira.services.flashsale.domain.waiting_room import Ticket
from tests.unit.flashsale.standings import NOON

KEY = "a-key-of-at-least-thirty-two-characters"
TICKET = Ticket(70, 5, 201, NOON + timedelta(minutes=15))


def test_a_ticket_is_read_by_whoever_has_the_key() -> None:
    text = SignedTickets(KEY).write(TICKET)
    assert SignedTickets(KEY).read(text, NOON) == TICKET


def test_an_expired_ticket_is_none() -> None:
    tickets = SignedTickets(KEY)
    assert tickets.read(tickets.write(TICKET), TICKET.expires_at) is None


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "." * 10, "x" * 5_000])
def test_what_is_no_ticket_is_none(text: str) -> None:
    assert SignedTickets(KEY).read(text, NOON) is None


def test_a_forged_ticket_is_none() -> None:
    tickets = SignedTickets(KEY)
    other = SignedTickets("another-key-of-thirty-two-characters")
    unsigned = jwt.encode(
        {"alg": "HS256", "typ": "flash-ticket+jwt"},
        {"sub": "5", "drop": 70, "place": 1, "exp": 9_999_999_999},
        OctKey.import_key("guessed-guessed-guessed-guessed-!"),
    )
    head, body, _ = tickets.write(TICKET).split(".")
    for text in (other.write(TICKET), unsigned, f"{head}.{body}.", f"{head}.{body}.AAAA"):
        assert tickets.read(text, NOON) is None


def test_a_challenge_is_no_ticket_and_a_ticket_no_challenge() -> None:
    challenge = SignedChallenges(KEY).make(70, 5, 0, NOON)
    assert SignedTickets(KEY).read(challenge, NOON) is None
    ticket = SignedTickets(KEY).write(TICKET)
    assert not SignedChallenges(KEY).is_solved(ticket, "", 70, 5, NOON)


def solve(challenge: str, bits: int) -> str:
    """What a client does; docs/flash-sale.md shows it."""
    for nonce in map(str, count()):
        digest = hashlib.sha256(f"{challenge}.{nonce}".encode()).digest()
        if int.from_bytes(digest, "big") >> (256 - bits) == 0:
            return nonce
    raise AssertionError("count() does not end")


def test_a_challenge_is_solved_by_work_for_one_customer_and_drop() -> None:
    challenges = SignedChallenges(KEY)
    challenge = challenges.make(70, 5, 10, NOON)
    nonce = solve(challenge, 10)
    assert challenges.is_solved(challenge, nonce, 70, 5, NOON)
    assert not challenges.is_solved(challenge, nonce, 71, 5, NOON)
    assert not challenges.is_solved(challenge, nonce, 70, 6, NOON)
    assert not challenges.is_solved(challenge, nonce, 70, 5, NOON + timedelta(minutes=3))
    wrong = sum(challenges.is_solved(challenge, f"{nonce}x{n}", 70, 5, NOON) for n in range(50))
    assert wrong < 5, "one in 1,024 is right by chance"
