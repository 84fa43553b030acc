"""What was done when, what held, and the figures; for people and for programs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from feira.audit.auditing import RULES
from feira.audit.evidence import Call
from feira.torture.catalog import FAULTS
from feira.torture.torturing import Run

VIOLATIONS_TOLD_MAX: Final = 20
STRIKES_TOLD_MAX: Final = 200


def as_text(run: Run) -> str:
    return "\n".join(
        [*_head(run), "", *_faults(run), "", *_shop(run), "", *_verdict(run)],
    )


def as_json(run: Run) -> dict[str, Any]:
    plan = run.plan
    return {
        "seeds": list(plan.seeds),
        "broker": plan.broker,
        "relay": plan.relay,
        "minutes_asked": plan.minutes,
        "tortured_seconds": round(run.tortured_seconds, 1),
        "rest_seconds": [round(seconds, 1) for seconds in run.rest_seconds],
        "audits_meanwhile": run.audits,
        "held": run.held,
        "stopped": run.stopped,
        "violations": [str(violation) for violation in run.violations],
        "silent": run.silent,
        "left_out": run.left_out,
        "kinds_at_once_max": run.strikes.at_once_max,
        "faults": {
            fault.name: {
                "fired": run.strikes.fired[fault.name],
                "missed": run.strikes.missed[fault.name],
            }
            for fault in plan.faults
        },
        "orders": dict(_ends(run)),
        "answers": dict(_answers(run.evidence.history or [])),
        "given_up": run.given_up,
        "strikes": [asdict(noted) for noted in run.strikes.noted],
    }


def _head(run: Run) -> Iterator[str]:
    plan = run.plan
    seeds = ", ".join(map(str, plan.seeds))
    yield (
        f"feira torture --minutes {plan.minutes:g} --seed {seeds} --broker {plan.broker} "
        f"--relay {plan.relay}: "
        f"{run.tortured_seconds:.0f} s of faults in {len(run.rest_seconds)} rounds"
    )
    rests = ", ".join(f"{seconds:.0f} s" for seconds in run.rest_seconds)
    yield f"at rest again after: {rests or 'it never came to that'}"
    yield (
        f"audited {run.audits} times while the faults were on "
        f"({run.audits_missed} times somebody could not be read), and at each rest"
    )


def _faults(run: Run) -> Iterator[str]:
    strikes = run.strikes
    yield (
        f"{sum(strikes.fired.values())} faults of {len(strikes.fired)} kinds, "
        f"up to {strikes.at_once_max} kinds at once"
    )
    for fault in run.plan.faults:
        missed = strikes.missed[fault.name]
        why = run.left_out.get(fault.name)
        told = f"NOT DONE: {why}" if why else f"{strikes.fired[fault.name]:>4} times"
        yield f"  {fault.name:<20}{told}{f' ({missed} missed)' if missed else ''}"
    for fault in FAULTS:
        why = fault.not_with.get(run.plan.broker)
        if why is not None:
            yield f"  {fault.name:<20}not with {run.plan.broker}: {why}"


def _shop(run: Run) -> Iterator[str]:
    ends = ", ".join(f"{count} {status}" for status, count in sorted(_ends(run).items()))
    yield f"{len(run.evidence.orders)} orders: {ends}"
    history = run.evidence.history or []
    answers = ", ".join(f"{count} x {status}" for status, count in _answers(history).items())
    yield f"{len(history)} requests: {answers}"
    yield f"{run.given_up} requests were given up without an answer"
    money = run.evidence.books.values()
    captured = sum(one.captured_cents for one in money)
    refunded = sum(one.refunded_cents for one in money)
    yield f"taken {captured / 100:.2f}, given back {refunded / 100:.2f}"


def _verdict(run: Run) -> Iterator[str]:
    for violation in run.violations[:VIOLATIONS_TOLD_MAX]:
        yield str(violation)
    more = len(run.violations) - VIOLATIONS_TOLD_MAX
    if more > 0:
        yield f"and {more} more"
    for kind in run.silent:
        yield f"NEVER FIRED: {kind}"
    if run.stopped is not None:
        yield f"ENDED BEFORE ITS TIME: {run.stopped}"
    if run.violations:
        yield from _story(run)
    yield f"{len(RULES)} rules: all of them held" if run.held else "IT DID NOT HOLD"


def _story(run: Run) -> Iterator[str]:
    """What was done, in its order, and what every part said last: to see why, where it was."""
    yield "what was done:"
    for noted in run.strikes.noted[-STRIKES_TOLD_MAX:]:
        yield f"  {noted.began_seconds:.1f} to {noted.ended_seconds:.1f} s: {noted.what}"
    yield "what was said last:"
    yield run.last_lines


def _ends(run: Run) -> Counter[str]:
    return Counter(order.status for order in run.evidence.orders.values())


def _answers(history: list[Call]) -> Counter[str]:
    counted = Counter(str(call.status or "no answer") for call in history)
    return Counter(dict(sorted(counted.items())))
