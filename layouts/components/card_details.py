"""All that a card holds and its scorecard leaves out, folded away: scores, classes, seeds, and how it was made."""

from statistics import mean, stdev

from dash import html
from dash.development.base_component import Component

from core.clock import from_ms
from layouts.components import numbers
from layouts.components.feedback import key_figures, pane
from layouts.components.probability import WORDS
from layouts.components.tables import Column, Row, table
from ml.card import Card

BY_CLASS = [
    Column("Class"),
    Column("Happened", number=True),
    Column("Called", number=True),
    Column("Precision, %", number=True, hint="Of the calls of this class, how many were right."),
    Column("Recall, %", number=True, hint="Of the times it happened, how many were called."),
    Column("F1", number=True, hint="The harmonic mean of precision and recall."),
    Column("Calibration error", number=True, hint="Mean distance of its probability from how often it happened."),
]
BY_SEED = [
    Column("Seed"),
    Column("Best epoch", number=True),
    Column("Validation loss", number=True),
    Column("Test log loss", number=True),
    Column("Right, %", number=True),
    Column("MCC", number=True),
]
DATA = [
    Column("Market"),
    Column("Candles", number=True),
    Column("First and last"),
    Column("Missing", number=True),
    Column("SHA-256"),
]


def block(card: Card) -> Component:
    """One pane with what a careful reader asks for next; every part opens by itself."""
    parts = [
        _fold("Scores in full", key_figures(_scores(card))),
        _fold("By class", _boxed(_by_class(card))),
        _fold("By seed, with mean and standard deviation", _boxed(_by_seed(card))),
        _fold("How it was made", html.Div([key_figures(_made(card)), _boxed(_data(card))])),
    ]
    return pane("Details", html.Div(parts, className="folds"), flush=True)


def _fold(title: str, body: Component) -> html.Details:
    return html.Details([html.Summary(title), html.Div(body, className="fold-body")])


def _boxed(inner: html.Table) -> html.Div:
    """A table that scrolls in its own box where it is wider than the page; reachable by keyboard."""
    return html.Div(inner, className="tbl-scroll wide", tabIndex="0", role="region", **{
        "aria-label": getattr(inner, "aria-label", ""),
    })  # fmt: skip


def _scores(card: Card) -> list[tuple[object, object]]:
    m = card.metrics
    sided = f"{numbers.percent(m.hit_rate, 1)} of {numbers.count(m.directional)} calls that named a side"
    mcc = numbers.signed(m.mcc, 3)
    if len(m.mcc_interval) == 2:
        mcc = f"{mcc} {numbers.bounds(*(numbers.signed(edge, 3) for edge in m.mcc_interval))}"
    return [
        ("Balanced accuracy, a guess has 33.3%", numbers.percent(m.balanced_accuracy, 1)),
        ("Directional hit rate, a coin has 50%", sided if m.hit_rate is not None else "no call named a side"),
        ("MCC, a guess has 0", mcc),
        ("Calibration error (ECE)", numbers.percent(m.ece, 1)),
        ("Macro F1", numbers.fixed(m.macro_f1, 3)),
        ("Brier score and skill", f"{numbers.fixed(m.brier, 4)}, {numbers.signed(m.skill, 4)}"),
        ("Calls", f"{numbers.count(m.n)}, worth {numbers.count(m.independent or m.n_eff)} independent ones"),
    ]


def _by_class(card: Card) -> html.Table:
    measured: list[float | None] = [*card.metrics.class_ece]
    errors = measured or [None] * len(card.metrics.per_class)
    rows = [
        Row([
            WORDS[one.label],
            numbers.count(one.support),
            numbers.count(one.called),
            numbers.fixed(100 * one.precision, 1) if one.called else numbers.MISSING,
            numbers.fixed(100 * one.recall, 1) if one.support else numbers.MISSING,
            numbers.fixed(one.f1, 3),
            numbers.fixed(error, 3),
        ])
        for one, error in zip(card.metrics.per_class, errors, strict=False)
    ]  # fmt: skip
    return table(BY_CLASS, rows, label="Scores by class", dense=True, words="last-plain")


def _by_seed(card: Card) -> html.Table:
    rows = [
        Row([
            str(run.seed),
            f"{run.best_epoch} of {len(run.losses)}",
            numbers.fixed(run.best_val_loss, 4),
            numbers.fixed(run.test_log_loss, 4),
            numbers.fixed(100 * run.test_accuracy, 1),
            numbers.signed(run.test_mcc, 3),
        ])
        for run in card.runs
    ]  # fmt: skip
    if len(card.runs) > 1:
        values = [[r.best_val_loss for r in card.runs], [r.test_log_loss for r in card.runs]]
        spread = [_spread(column, 4) for column in values]
        right = _spread([100 * r.test_accuracy for r in card.runs], 1)
        rows.append(Row(["Mean ± sd", "", *spread, right, _spread([r.test_mcc for r in card.runs], 3)], "sum"))
    return table(BY_SEED, rows, label="Scores by seed", dense=True, words="last-plain")


def _spread(values: list[float], decimals: int) -> str:
    """`1.0921 ± 0.0012`: mean and sample standard deviation."""
    return f"{numbers.fixed(mean(values), decimals)} ± {numbers.fixed(stdev(values), decimals)}"


def _made(card: Card) -> list[tuple[object, object]]:
    network = [(f"Network: {_plain(key)}", _value(value)) for key, value in card.network.items()]
    return [
        ("Code", html.Span(card.code_version, className="mono", title="Digest of the sources that trained it")),
        *((_plain(key), value) for key, value in card.environment.items()),
        *network,
    ]


def _plain(key: str) -> str:
    return key.replace("_", " ")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, int):
        return numbers.count(value)
    return numbers.fixed(value, 6).rstrip("0") if isinstance(value, float) else str(value)


def _data(card: Card) -> html.Table:
    rows = [
        Row([
            one.market,
            numbers.count(one.candles),
            numbers.dates(from_ms(one.first_ms), from_ms(one.last_ms)),
            numbers.count(one.missing),
            html.Span(f"{one.sha256[:12]}…", className="mono", title=one.sha256),
        ])
        for one in card.data
    ]  # fmt: skip
    return table(DATA, rows, label="Candles it learned from", dense=True, words="last-plain")
