"""Two versions side by side, figure by figure, the better one of each pair marked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from core.clock import from_ms
from layouts.components import numbers
from layouts.components.feedback import pane
from layouts.components.model_card import evidence_of, state_badge, title
from layouts.components.tables import Column, Row, table
from layouts.components.version_table import Version
from ml.card import SKILLED, Card


@dataclass(frozen=True, slots=True)
class Figure:
    """One line. `better`: 1 where more is better, −1 where less is, 0 where neither."""

    title: str
    value: Callable[[Card], float]
    text: Callable[[float], str]
    better: int = 0


def _gain(card: Card) -> float:
    return card.baseline("climatology").model_against.gain


FIGURES = (
    Figure("Test calls", lambda c: c.metrics.n, numbers.count),
    Figure("Independent calls", lambda c: c.metrics.n_eff, numbers.count),
    Figure("Right", lambda c: c.metrics.accuracy, lambda v: numbers.percent(v, 1), 1),
    Figure("Log loss", lambda c: c.metrics.log_loss, lambda v: numbers.fixed(v, 4), -1),
    Figure("Saved against base rates, nats", _gain, lambda v: numbers.signed(v, 4), 1),
    Figure("Brier skill", lambda c: c.metrics.skill, lambda v: numbers.signed(v, 4), 1),
    Figure("MCC", lambda c: c.metrics.mcc, lambda v: numbers.signed(v, 3), 1),
    Figure("Macro F1", lambda c: c.metrics.macro_f1, lambda v: numbers.fixed(v, 3), 1),
    Figure("Calibration error", lambda c: c.metrics.ece, lambda v: numbers.percent(v, 1), -1),
    Figure("Seeds", lambda c: len(c.runs), numbers.count),
    Figure("Break-even hit rate", lambda c: c.labels.break_even, lambda v: numbers.percent(v, 1)),
    Figure("Training time", lambda c: c.seconds, numbers.duration),
)


def draw(one: Version, other: Version) -> html.Section:
    """`one` is the version that is shown. Scores of different test periods cannot be ranked, and the pane says so."""
    apart = _periods(one.card) != _periods(other.card)
    rows = [Row(["State", *(state_badge(v.state, proven=v.proven) for v in (one, other))])]
    rows.append(Row(["Evidence", evidence_of(one.card), evidence_of(other.card)]))
    rows.append(Row(["Verdict", *(_verdict(v.card) for v in (one, other))]))
    rows.append(Row(["Tested on", *(_span(v.card) for v in (one, other))]))
    rows += [_row(figure, one.card, other.card, ranked=not apart) for figure in FIGURES]
    kin = one.card.name == other.card.name
    columns = [Column("Figure"), *(Column(_title(v, kin), number=True) for v in (one, other))]
    found = table(columns, rows, label="Two versions beside each other", dense=True, words="last-plain tcmp")
    words = "On the same test period; the better figure is bold."
    if apart:
        words = "Their test periods differ, so their scores cannot be ranked: the promotion gate compares shared calls."
    close = dcc.Link("Close", href=f"/models?version={one.id}", className="fs12")
    return pane("Compare", html.Div([html.P(words, className="pane-body t3 fs12"), found]), end=close, flush=True)


def _title(version: Version, kin: bool) -> Component:
    """The number, and of different families what each is about."""
    name = html.B(f"v{version.card.version}", className="mono", title=version.card.name)
    return name if kin else html.Span([f"{title(version.card)} ", name])


def _verdict(card: Card) -> str:
    return "Skilled" if card.verdict == SKILLED else "No demonstrated skill"


def _periods(card: Card) -> tuple[Any, ...]:
    return tuple(card.markets), card.horizon, card.split.test.first_ms, card.split.test.last_ms, card.metrics.n


def _span(card: Card) -> str:
    first, last = (from_ms(ms) for ms in (card.split.test.first_ms, card.split.test.last_ms))
    return numbers.dates(first, last)


def _row(figure: Figure, one: Card, other: Card, *, ranked: bool) -> Row:
    pair = (figure.value(one), figure.value(other))
    cells = []
    for mine, theirs in (pair, pair[::-1]):
        ahead = ranked and figure.better * (mine - theirs) > 0
        cells.append(html.Span(figure.text(mine), className="best" if ahead else ""))
    return Row([figure.title, *cells])
