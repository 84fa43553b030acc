"""The fairness report as a page: one file without scripts or anything from elsewhere."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from feira.services.flashsale.domain.report import DropReport

PAGES: Final = Path(__file__).parent / "pages"
TEMPLATE: Final = "report.html"
STYLE: Final = "report.css"
ZONE: Final = ZoneInfo("America/Sao_Paulo")
WINNERS_SHOWN_MAX: Final = 500
TICKS: Final = 4
WIDTH: Final = 760
HEIGHT: Final = 300
LEFT: Final = 48
RIGHT: Final = 744
TOP: Final = 16
BOTTOM: Final = 260

REASONS_PT: Final = {
    "queued": "na fila",
    "sold_out": "esgotado",
    "already_claimed": "já participou",
    "not_open": "oferta fechada",
    "not_admitted": "fora da vez",
    "too_many_requests": "pedidos demais",
    "unauthenticated": "sem login",
    "invalid_token": "login vencido",
    "overloaded": "serviço cheio",
    "unavailable": "serviço indisponível",
}
STATUSES_PT: Final = {"won": "a pagar", "sold": "pago", "lapsed": "não pago"}


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Two stairs over time, in the coordinates of the drawing."""

    given: str
    paid: str
    across: Sequence[Tick]
    upwards: Sequence[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


class ReportPage:
    def __init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["local"] = _local
        environment.filters["milliseconds"] = _milliseconds
        environment.filters["number"] = _number
        environment.filters["price"] = _price
        self._template = environment.get_template(TEMPLATE)
        self._style = (PAGES / STYLE).read_text(encoding="utf-8").strip()
        digest = b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"

    def render(self, report: DropReport) -> tuple[bytes, str]:
        """The page, and what it is allowed (its Content-Security-Policy)."""
        text = self._template.render(
            style=self._style,
            report=report,
            sale=report.standing,
            winners=report.winners[:WINNERS_SHOWN_MAX],
            refused=sum(count for _, count in report.refusals),
            plot=plot_of(report),
            reasons=REASONS_PT,
            statuses=STATUSES_PT,
        )
        return text.encode(), self._policy


def plot_of(report: DropReport) -> Plot | None:
    """None when nobody won anything."""
    if not report.winners:
        return None
    given = [winner.after_ms for winner in report.winners]
    paid = sorted(
        winner.after_ms + winner.paid_after_ms
        for winner in report.winners
        if winner.paid_after_ms is not None
    )
    last_ms = max(1, *given, *paid)
    units = max(1, len(given))
    return Plot(
        given=_stairs(given, last_ms, units),
        paid=_stairs(paid, last_ms, units),
        across=[
            Tick(_x(last_ms * n / TICKS, last_ms), _seconds(last_ms * n / TICKS))
            for n in range(TICKS + 1)
        ],
        upwards=[
            Tick(_y(units * n / TICKS, units), _number(round(units * n / TICKS)))
            for n in range(TICKS + 1)
        ],
    )


def _stairs(moments_ms: Sequence[int], last_ms: int, units: int) -> str:
    """The path of a count that grows by one at each moment, and stays to the end."""
    steps = [f"M {LEFT} {BOTTOM}"]
    for moment, count in zip(moments_ms, accumulate(1 for _ in moments_ms), strict=True):
        steps.append(f"H {_x(moment, last_ms):.1f} V {_y(count, units):.1f}")
    steps.append(f"H {RIGHT}")
    return " ".join(steps)


def _x(milliseconds: float, last_ms: int) -> float:
    return round(LEFT + (RIGHT - LEFT) * milliseconds / last_ms, 1)


def _y(count: float, units: int) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * count / units, 1)


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f}".replace(".", ",") + " s"


def _milliseconds(value: int | None) -> str:
    if value is None:
        return "–"
    return f"{value} ms" if value < 1_000 else _seconds(value)


def _number(value: int) -> str:
    """1234 -> 1.234, as it is written in Brazil."""
    return f"{value:,}".replace(",", ".")


def _price(cents: int) -> str:
    return f"{_number(cents // 100)},{cents % 100:02}"


def _local(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime("%d/%m/%Y %H:%M:%S")
