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
from layouts.components.model_card import OLD, old
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
from ml.scorecard import Scorecard

BAR_RANGE = (0.15, 0.65)  # hit rates the interval plots span
UNPROVEN = "No version has passed the promotion gate; the best one serves all the same."
WHY = {
    "undecided": "Abstains: no outcome can be ruled out with confidence.",
    "novel": "Abstains: the market looks like none the model has learned from.",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call as a table shows it; `card`: the scorecard of its model in its market, None where nothing has settled.

    `abstained`: the model would rather not call, and `why`; `said` names the likeliest class all the same.
    `proven`: its model is champion by the promotion gate. `note`: why there is no newer call, where one is due.
    `stale_days`: days since its model was trained, where that is longer than a model may be old.
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
    proven: bool = False
    abstained: bool = False
    why: str = ""
    card: Scorecard | None = None
    note: str = ""
    stale_days: int | None = None

    @property
    def n(self) -> int:
        """Settled calls of its model in its market."""
        return self.card.n if self.card else 0

    @property
    def level(self) -> int | None:
        """Evidence 0 to 4; None below 100 settled calls."""
        return self.card.level if self.card else None

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
    Column([html.Span("Evidence"), icon("arrow-down", small=True)], words="evd sorted"),
]


def board(calls: list[Call], *, now: datetime) -> html.Table:
    """The latest call of every market, most evidence first."""
    return table(BOARD, [_row(c, now) for c in calls], label="Latest calls", words="tpr")


def _row(call_: Call, now: datetime) -> Row:
    badge = [simulated_badge(short=True)] if call_.simulated else []
    name = dcc.Link(html.B(call_.symbol), href=call_.address)
    cells = [
        noted(html.Div([name, html.Span(f"{call_.exchange}, {call_.timeframe}"), *badge], className="mk"), call_),
        html.Span(call(None if call_.abstained else call_.said), title=WHY.get(call_.why, "")),
        probability_bar(call_.probabilities, base_rates=call_.base_rates, abstains=call_.abstained),
        numbers.age((now - call_.made_at).total_seconds()),
        numbers.until(call_.due_at, now=now),
        _model(call_),
        numbers.count(call_.n),
        _hit_rate(call_),
        evidence(call_.level, settled=call_.n),
    ]
    return Row(cells, "stale" if call_.stale else "")


def noted(market: html.Div, of: "Call | Tested") -> html.Div:
    """The market's cell; under it why there is no newer call, and that its model was trained too long ago."""
    notes = [html.P(of.note, className="row-note")] if of.note else []
    if of.stale_days is not None:
        notes.append(html.P(old(of.stale_days), className="row-note warn", title=OLD))
    return html.Div([market, *notes])


def _model(call_: Call) -> Component:
    """The version; one that has not passed the promotion gate says so."""
    name = html.Span(call_.model, className="mono t3 fs12")
    return name if call_.proven else html.Span([name, html.Small(" unproven", className="t4")], title=UNPROVEN)


def _hit_rate(call_: Call) -> Component:
    card = call_.card
    if card is None or card.n < ENOUGH or card.model.hit_rate is None or card.model.interval is None:
        return html.Span(f"shown from {ENOUGH} settled calls", className="t4 fs12")
    rate, best = card.model.hit_rate, card.best or 0.0
    words = [
        f"{numbers.fixed(100 * rate, 1)} ",
        html.Span(f"against {numbers.fixed(100 * best, 1)}", className="t3 fs12"),
    ]
    plot = interval_plot(rate, *card.model.interval, baseline=best, span=BAR_RANGE)
    return html.Div([plot, html.Span(words)], className="hit")


def legend() -> html.P:
    """What the marks of the board mean."""
    bar = html.Span(html.B(), className="key-notch", **{"aria-hidden": "true"})
    rate = html.Span([html.I(), html.B()], className="key-rate", **{"aria-hidden": "true"})
    said = "Abstains: nothing is likely enough, or the market looks like none it has learned from"
    return html.P(
        [
            html.Span([bar, "Notch: how often that outcome happens anyway"]),
            html.Span([rate, "Hit rate with interval; upright bar: best simple rule on the same calls"]),
            html.Span([icon("slash-circle", small=True), said]),
        ],
        className="board-legend t3 fs12",
    )


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
    note: str = ""
    stale_days: int | None = None

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


def tested(rows: list[Tested], *, now: datetime) -> html.Table:
    """Markets whose series has ended, or that nobody has called yet: what the model did in its test period."""
    return table(TESTED, [_tested_row(t, now) for t in rows], label="Test periods", words="tpr ttp")


def _tested_row(row: Tested, now: datetime) -> Row:
    badge = [simulated_badge(short=True)] if row.simulated else []
    name = dcc.Link(html.B(row.symbol), href=row.address)
    plot = interval_plot(row.accuracy, *row.interval, baseline=row.best, span=BAR_RANGE)
    words = [
        f"{numbers.fixed(100 * row.accuracy, 1)} ",
        html.Span(f"against {numbers.fixed(100 * row.best, 1)}", className="t3 fs12"),
    ]
    cells = [
        noted(html.Div([name, html.Span(f"{row.exchange}, {row.timeframe}"), *badge], className="mk"), row),
        numbers.moment(row.closed_at, now=now),
        html.Span(row.model, className="mono t3 fs12"),
        numbers.count(row.n),
        html.Div([plot, html.Span(words)], className="hit"),
        evidence(1 if row.skilled else 0, settled=row.n),
    ]
    return Row(cells)


@dataclass(frozen=True, slots=True)
class Settled:
    """A call whose outcome is known; `log_return` from the entry to the candle that decided.

    `revised`: words for candles under the outcome that were revised later.
    """

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
    abstained: bool = False
    revised: str = ""


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
    drawn = [Row(settled_cells(row, now)) for row in rows]
    return table(SETTLED, drawn, label="Settled calls", dense=True, words="last-plain tset")


def settled_cells(row: Settled, now: datetime) -> list[Any]:
    """The cells of `SETTLED`."""
    badge = [simulated_badge(short=True)] if row.simulated else []
    said = html.Span(
        [call(None if row.abstained else row.said), f" {numbers.percent(row.confidence)}"], className="said"
    )
    happened = f"{numbers.change(row.log_return)}, {WORDS[row.outcome].lower()}"
    notes = [note for note in ("both barriers in one bar" if row.ambiguous else "", row.revised) if note]
    return [
        html.Div([html.B(row.symbol), html.Span(f"{row.exchange}, {row.timeframe}"), *badge], className="mk"),
        said,
        f"{happened} ({'; '.join(notes)})" if notes else happened,
        result(None if row.abstained else row.said == row.outcome),
        numbers.fixed(row.log_loss, 2),
        numbers.moment(row.settled_at, now=now),
    ]


def result(right: bool | None) -> html.Span:
    """Right, wrong or abstained, with a shape each."""
    if right is None:
        return html.Span([icon("dash-lg", small=True), "Abstained"], className="result t4")
    parts = [icon("check-circle" if right else "x-lg", small=True), "Right" if right else "Wrong"]
    return html.Span(parts, className="result acc" if right else "result t3")
