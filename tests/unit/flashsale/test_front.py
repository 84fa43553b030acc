"""Who is turned away at the door of a flash sale, and who never is."""

from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from feira.chassis.auth.keys import KeyFile, generate_signing_key, load_signing_key
from feira.chassis.auth.signer import TokenSigner
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.http.shell import ServiceShell
from feira.kernel.clock import ManualClock, SystemClock
from feira.services.flashsale.domain.quota import Quota
from feira.services.flashsale.domain.report import CountOf, CrowdCount
from feira.services.flashsale.entrypoints import board as boards
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_counts import CrowdCounts
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.front import Front
from feira.services.flashsale.entrypoints.limits import Limits
from tests.asgi import AsgiAnswer, AsgiClient
from tests.unit.flashsale.crowd_world import KnownDrops, ServiceBehind
from tests.unit.flashsale.standings import NOON, OPEN, SOLD_OUT, standing

WINNER, LOSER = 11, 12
PATH = "/flash-sales/70/orders"


class Door:
    """The front with its board, before a service that takes every claim."""

    def __init__(self, folder: Path, of_account: Quota, now: list[float]) -> None:
        generate_signing_key(folder / "private.json", folder / "public.json")
        self.signer = TokenSigner(
            load_signing_key(folder / "private.json"), "feira", "feira", SystemClock()
        )
        verifier = TokenVerifier(KeyFile(folder / "public.json"), "feira", "feira", SystemClock())
        metrics = CrowdMetrics()
        self.drops = KnownDrops([SOLD_OUT], {70: [WINNER]})
        self.clock = ManualClock(NOON)
        self.board = Board(self.drops, self.clock, metrics, lambda: now[0])
        self.counts = CrowdCounts(metrics)
        self.service = ServiceBehind()
        self.front = Front(
            cast("ServiceShell", self.service),
            self.board,
            verifier,
            self.counts,
            metrics,
            of_address=Limits(Quota("addresses", 1_000, 1_000)),
            of_account=Limits(of_account),
            monotonic=lambda: now[0],
        )

    async def claim(self, customer_id: int | None, path: str = PATH) -> AsgiAnswer:
        token = self.signer.sign(customer_id, "customer", "s") if customer_id else None
        return await AsgiClient(self.front, token).post(path, {})


@pytest.fixture
def now() -> list[float]:
    """Moves the clock by which the door trusts its memory."""
    return [1_000.0]


@pytest.fixture
def door(tmp_path: Path, now: list[float]) -> Door:
    return Door(tmp_path, Quota("accounts", per_second=1, at_once=3), now)


async def test_a_loser_is_answered_from_memory(door: Door) -> None:
    await door.board.read()
    reads = door.drops.reads
    answers = [await door.claim(LOSER) for _ in range(50)]
    assert {(answer.status, answer.code) for answer in answers} == {(409, "sold_out")}
    assert answers[0].json["instance"] == PATH
    assert door.service.asked == []
    assert door.drops.reads == reads, "nothing is read for a loser"
    assert door.counts.take() == (CrowdCount(70, CountOf.MEMORY_REFUSAL, "sold_out", 50),)


async def test_who_has_a_claim_is_let_through_to_the_stored_answer(door: Door) -> None:
    await door.board.read()
    assert (await door.claim(WINNER)).status == 201


async def test_a_claim_made_since_the_last_read_is_let_through_after_the_next(door: Door) -> None:
    await door.board.read()
    door.drops.claims_of[70].append(LOSER)
    await door.board.read()
    assert (await door.claim(LOSER)).status == 201


async def test_nobody_is_told_that_it_is_over_once_a_unit_has_come_free(door: Door) -> None:
    await door.board.read()
    assert (await door.claim(LOSER)).status == 409
    door.drops.drops = [standing(left=1, sold=99, version=10)]
    await door.board.read()
    assert (await door.claim(LOSER)).status == 201


async def test_what_was_read_too_long_ago_is_not_believed(door: Door, now: list[float]) -> None:
    await door.board.read()
    now[0] += boards.TRUSTED_SECONDS - 0.01
    assert (await door.claim(LOSER)).status == 409
    now[0] += 0.02
    assert (await door.claim(LOSER)).status == 201


async def test_a_drop_that_ends_is_no_longer_sold_out(door: Door, now: list[float]) -> None:
    door.clock.advance(timedelta(minutes=59, seconds=59.5))
    await door.board.read()
    assert (await door.claim(LOSER)).status == 409
    now[0] += 0.6
    assert (await door.claim(LOSER)).status == 201


async def test_a_campaigns_own_address_is_refused_like_its_open_drops(door: Door) -> None:
    await door.board.read()
    answer = await door.claim(LOSER, "/flash-sales/7/orders")
    assert (answer.status, answer.json["instance"]) == (409, "/flash-sales/7/orders")


async def test_more_claims_than_a_read_takes_are_learnt_before_anybody_is_refused(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "HOLDERS_A_READ_MAX", 3)
    door.drops.claims_of[70] = list(range(20, 25))
    await door.board.read()
    assert (await door.claim(LOSER)).status == 201
    await door.board.read()
    assert (await door.claim(LOSER)).status == 409
    assert (await door.claim(24)).status == 201


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Bearer a.b.c", "Bearer a.eyJzdWIiOjF9.c", "Bearer a..c", "é.é.é"],
)
async def test_a_strange_token_is_a_losers(door: Door, authorization: str) -> None:
    await door.board.read()
    client = AsgiClient(door.front)
    answer = await client.post(PATH, {}, headers={"Authorization": authorization})
    assert answer.status == 409


async def test_an_account_has_a_quota_and_is_told(door: Door) -> None:
    door.drops.drops = [OPEN]
    await door.board.read()
    answers = [await door.claim(LOSER) for _ in range(5)]
    assert [answer.status for answer in answers] == [201, 201, 201, 429, 429]
    assert answers[0].headers["ratelimit-policy"] == '"accounts";q=3;w=3'
    assert answers[0].headers["ratelimit"] == '"accounts";r=2;t=0'
    assert answers[3].code == "too_many_requests"
    assert answers[3].headers["retry-after"] == "1"
    assert (await door.claim(WINNER)).status == 201, "each account has its own"
    refused = [c for c in door.counts.take() if c.kind is CountOf.REFUSAL]
    assert refused == [CrowdCount(70, CountOf.REFUSAL, "too_many_requests", 2)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code":"already_claimed"}', "already_claimed"),
        (b"not json", "other"),
        (b"", "other"),
        (b'{"code":5}', "other"),
    ],
)
async def test_what_the_service_refuses_is_counted_by_its_code(
    door: Door, body: bytes, code: str
) -> None:
    door.drops.drops = [OPEN]
    await door.board.read()
    door.service.status, door.service.body = 409, body
    await door.claim(LOSER)
    refused = [c for c in door.counts.take() if c.kind is CountOf.REFUSAL]
    assert refused == [CrowdCount(70, CountOf.REFUSAL, code, 1)]


async def test_a_forged_token_uses_up_nobodys_quota(door: Door) -> None:
    """It is the service that refuses it: the door only wants to know whose quota it is."""
    door.drops.drops = [OPEN]
    await door.board.read()
    client = AsgiClient(door.front, "a.eyJzdWIiOiIxMiJ9.c")  # it names the loser
    for _ in range(5):
        assert (await client.post(PATH, {})).status == 201
    assert (await door.claim(LOSER)).status == 201


async def test_everything_else_passes_untouched(door: Door) -> None:
    await door.board.read()
    client = AsgiClient(door.front)
    assert (await client.get(PATH)).status == 201
    assert (await client.post("/flash-sales", {})).headers == {"content-type": "application/json"}
