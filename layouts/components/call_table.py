"""Tables of calls: the board of the latest ones, and those that settled lately, wrong ones included."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.feedback import simulated_badge
from layouts.components.icons import icon
from layouts.components.probability import (
    ENOUGH,
    WORDS,
    Shares,
    call,
    evidence,
    interval_plot,
    probability_bar,
)
from layouts.components.tables import Column, Row, table
from layouts.figures.reliability import wilson

BAR_RANGE = (0.15, 0.65)  # hit rates the interval plots span


@dataclass(frozen=True, slots=True)
class Call:
    """One call as a table shows it; `n` and `right` count settled calls of its model in its market.

    `base_rate`: how often the most frequent class happened in training, the rate of always saying it.
    """

    market_path: str
    exchange: str
    symbol: str
    timeframe: str
    horizon: int
    simulated: bool
    model_id: int
    model: str
    said: str
    probabilities: Shares
    base_rates: Shares
    made_at: datetime
    due_at: datetime
    stale: bool
    n: int
    right: int
    skilled: bool

    @property
    def address(self) -> str:
        """This call in detail."""
        return "/predictions?" + urlencode({"market": self.market_path, "tf": self.timeframe, "model": self.model_id})


BOARD = [
    Column("Market", words="mkt"),
    Column("Call", words="cll"),
    Column("Bearish, neutral, bullish, %", words="prb"),
    Column("Made", number=True, words="m-drop"),
    Column("Settles in", number=True, words="m-drop"),
    Column("Model", words="m-drop"),
    Column("Settled", number=True, words="m-drop", hint="Calls of this model in this market whose outcome is known."),
    Column("Right, % with 95% interval, and baseline", words="hit"),
    Column("Evidence", words="evd"),
]


def board(calls: list[Call], *, chosen: Call | None, now: datetime) -> html.Table:
    """The latest call of every market, most evidence first."""
    return table(BOARD, [_row(c, c == chosen, now) for c in calls], label="Latest calls", words="tpr")


def _row(call_: Call, chosen: bool, now: datetime) -> Row:
    badge = [simulated_badge(short=True)] if call_.simulated else []
    name = dcc.Link(html.B(call_.symbol), href=call_.address)
    cells = [
        html.Div([name, html.Span(f"{call_.exchange}, {call_.timeframe}"), *badge], className="mk"),
        call(call_.said),
        probability_bar(call_.probabilities, base_rates=call_.base_rates),
        numbers.age((now - call_.made_at).total_seconds()),
        numbers.until(call_.due_at, now=now),
        html.Span(call_.model, className="mono t3 fs12"),
        numbers.count(call_.n),
        _hit_rate(call_),
        evidence(1 if call_.skilled else 0, settled=call_.n),
    ]
    return Row(cells, " ".join(["sel"] * chosen + ["stale"] * call_.stale))


def _hit_rate(call_: Call) -> Component:
    if call_.n < ENOUGH:
        return html.Span(f"shown from {ENOUGH} settled calls", className="t4 fs12")
    rate, best = call_.right / call_.n, max(call_.base_rates)
    low, high = wilson(rate, call_.n)
    words = [f"{100 * rate:.1f} ", html.Span(f"against {100 * best:.1f}", className="t3 fs12")]
    plot = interval_plot(rate, low, high, baseline=best, span=BAR_RANGE)
    return html.Div([plot, html.Span(words)], className="hit")


@dataclass(frozen=True, slots=True)
class Tested:
    """A model's test period in a market that has no live calls; `closed_at`: end of the last candle it saw."""

    market_path: str
    exchange: str
    symbol: str
    simulated: bool
    model_id: int
    model: str
    timeframe: str
    horizon: int
    closed_at: datetime
    n: int
    accuracy: float
    interval: tuple[float, float]
    best: float
    skilled: bool

    @property
    def address(self) -> str:
        return "/predictions?" + urlencode({"market": self.market_path, "tf": self.timeframe, "model": self.model_id})


TESTED = [
    Column("Market", words="mkt"),
    Column("Last candle closed", words="m-drop"),
    Column("Model", words="m-drop"),
    Column("Test calls", number=True, words="m-drop"),
    Column("Right in the test period, %, and baseline", words="hit"),
    Column("Evidence", words="evd"),
]


def tested(rows: list[Tested], *, chosen: Tested | None, now: datetime) -> html.Table:
    """Markets whose series has ended, or that nobody has called yet: what the model did in its test period."""
    return table(TESTED, [_tested_row(t, t == chosen, now) for t in rows], label="Test periods", words="tpr ttp")


def _tested_row(row: Tested, chosen: bool, now: datetime) -> Row:
    badge = [simulated_badge(short=True)] if row.simulated else []
    plot = interval_plot(row.accuracy, *row.interval, baseline=row.best, span=BAR_RANGE)
    words = [f"{100 * row.accuracy:.1f} ", html.Span(f"against {100 * row.best:.1f}", className="t3 fs12")]
    cells = [
        html.Div(
            [dcc.Link(html.B(row.symbol), href=row.address), html.Span(f"{row.exchange}, {row.timeframe}"), *badge],
            className="mk",
        ),
        numbers.moment(row.closed_at, now=now),
        html.Span(row.model, className="mono t3 fs12"),
        numbers.count(row.n),
        html.Div([plot, html.Span(words)], className="hit"),
        evidence(1 if row.skilled else 0, settled=row.n),
    ]
    return Row(cells, "sel" if chosen else "")


@dataclass(frozen=True, slots=True)
class Settled:
    """A call whose outcome is known; `log_return` from the entry to the candle that decided."""

    symbol: str
    exchange: str
    timeframe: str
    simulated: bool
    said: str
    confidence: float
    outcome: str
    log_return: float
    ambiguous: bool
    log_loss: float
    settled_at: datetime


SETTLED = [
    Column("Market"),
    Column("Said"),
    Column("Happened"),
    Column("Result"),
    Column("Surprise, log loss", number=True, words="m-drop"),
    Column("Settled", number=True, words="m-drop"),
]


def settled(rows: list[Settled], *, now: datetime) -> html.Table:
    """The newest first."""
    drawn = [Row(_settled_cells(row, now)) for row in rows]
    return table(SETTLED, drawn, label="Settled calls", dense=True, words="last-plain tset")


def _settled_cells(row: Settled, now: datetime) -> list[Any]:
    badge = [simulated_badge(short=True)] if row.simulated else []
    said = html.Span([call(row.said), f" {100 * row.confidence:.0f}%"], className="said")
    happened = f"{numbers.change(row.log_return)}, {WORDS[row.outcome].lower()}"
    return [
        html.Div([html.B(row.symbol), html.Span(f"{row.exchange}, {row.timeframe}"), *badge], className="mk"),
        said,
        happened + (" (both barriers in one bar)" if row.ambiguous else ""),
        result(row.said == row.outcome),
        numbers.fixed(row.log_loss, 2),
        numbers.moment(row.settled_at, now=now),
    ]


def result(right: bool) -> html.Span:
    """Right or wrong, with a shape each."""
    parts = [icon("check-circle" if right else "x-lg", small=True), "Right" if right else "Wrong"]
    return html.Span(parts, className="result acc" if right else "result t3")


def tally(rows: list[Settled]) -> str:
    """`11 calls: 4 right, 7 wrong`."""
    right = sum(row.said == row.outcome for row in rows)
    counted = "1 call" if len(rows) == 1 else f"{len(rows)} calls"
    return f"{counted}: {right} right, {len(rows) - right} wrong"
