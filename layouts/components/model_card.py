"""A model version as a person reads it: what it predicts, what it learned from, how it did beside simple rules."""

from collections.abc import Sequence
from decimal import Decimal

from dash import html
from dash.development.base_component import Component

from core.clock import from_ms
from layouts.components import numbers
from layouts.components.feedback import badge, key_figures, simulated_badge
from layouts.components.icons import icon
from layouts.components.probability import CLASSES, WORDS, evidence, interval_plot
from layouts.components.tables import Column, Row, table
from ml.card import SKILLED, Baseline, Card, Metrics

STATES = {"champion": ("Champion", "acc"), "candidate": ("Candidate", "line"), "retired": ("Retired", "line")}
INDEPENDENT = "Calls overlap and markets move together, so many calls prove no more than a few independent ones."
OLD = "Markets change: train a new version on newer candles."
MCNEMAR = (
    "Whether the model was right as often as the rule, two-sided; overlapping calls count for what they are worth."
)
BAR_RANGE = (0.15, 0.65)  # hit rates the interval plots span


def title(card: Card) -> str:
    """`BTC/USDT and ETH/USDT, 1h, 24 bars ahead`."""
    symbols = [name.partition(":")[2] for name in card.markets]
    shown = " and ".join(symbols) if len(symbols) < 3 else f"{symbols[0]} and {len(symbols) - 1} more"
    return f"{shown}, {card.timeframe}, {card.horizon} bars ahead"


def state_badge(state: str, *, proven: bool) -> html.Span:
    """Champion, candidate or retired; a champion that did not pass the promotion gate is called unproven."""
    word, kind = STATES[state]
    if state == "champion" and not proven:
        return badge(f"{word}, unproven", "warn")
    return badge(word, kind)  # type: ignore[arg-type]


def old(days: int) -> str:
    """What marks a version that was trained longer ago than a model may be old."""
    return f"Trained {numbers.count(days)} days ago, stale"


def evidence_of(card: Card) -> Component:
    """Cells filled by how far luck is ruled out against base rates; hollow where no skill was demonstrated."""
    against = card.baseline("climatology").model_against
    level = strength(against.p_value) if card.verdict == SKILLED else 0
    return evidence(level, settled=card.metrics.n)


def strength(p_value: float) -> int:
    """Cells 0 to 4 for a one-sided p-value."""
    return sum(p_value < limit for limit in (0.05, 0.01, 0.001, 0.0001))


def against_text(baseline: Baseline) -> str:
    """`+0.0110 [0.0021, 0.0199]` nats per call."""
    against = baseline.model_against
    low, high = against.interval
    return f"{numbers.signed(against.gain, 4)} {numbers.bounds(numbers.fixed(low, 4), numbers.fixed(high, 4))}"


def rail(card: Card, state: str, *, code: str, proven: bool = False, stale_days: int | None = None) -> list[Component]:
    """The card at the right: facts, verdict, what speaks for and against, features, limits.

    `stale_days`: days since its training, where that is longer than a model may be old.
    """
    head = [html.H2(f"Model card, v{card.version}"), state_badge(state, proven=proven)]
    if card.simulated:
        head.append(simulated_badge())
    if stale_days is not None:
        head.append(html.Span(badge(old(stale_days), "warn"), title=OLD))
    return [
        html.Div(head, className="pane-head"),
        html.Div(key_figures(_facts(card, code)), className="pane-body"),
        _block("Verdict", _verdict(card), html.Span(evidence_of(card), className="end")),
        _block("Classes", _shares(card)),
        _block("What it sees", _features(card), html.Span(f"{len(card.features)} features", className="end t3 fs12")),
        _block("Limits", html.Ul([html.Li(html.Span(text)) for text in card.limits], className="list plain")),
    ]


def _block(name: str, body: Component, end: Component | None = None) -> html.Div:
    head = [html.H2(name)] + ([end] if end is not None else [])
    return html.Div([html.Div(head, className="pane-head"), html.Div(body, className="pane-body")], className="block")


def _day(ms: int) -> str:
    return numbers.date(from_ms(ms))


def _span(first_ms: int, last_ms: int) -> str:
    return f"{_day(first_ms)} – {_day(last_ms)}"


def _facts(card: Card, code: str) -> list[tuple[object, object]]:
    split, labels = card.split, card.labels
    candles, gaps = sum(d.candles for d in card.data), sum(d.gaps for d in card.data)
    barrier = numbers.percent(labels.typical_barrier, 1)
    return [
        ("Predicts", f"bearish, neutral, bullish over {card.horizon} bars; barriers ±{barrier}"),
        ("Markets", ", ".join(card.markets)),
        ("Learned from", _span(split.train.first_ms, split.train.last_ms)),
        ("Validated on", _span(split.validation.first_ms, split.validation.last_ms)),
        ("Tested on", _span(split.test.first_ms, split.test.last_ms)),
        ("Gap between them", f"{split.embargo_bars} bars, whole labels purged"),
        ("Candles", f"{numbers.count(candles)}, {gaps} gaps" if gaps else numbers.count(candles)),
        ("Break-even", _break_even(labels.break_even, labels.cost)),
        ("Network", network_words(card)),
        ("Seeds", f"{len(card.runs)}" + (", a quick look" if card.quick_look else "")),
        ("Trained", f"{_moment(card.created_ms)}, {numbers.duration(card.seconds)}"),
        ("Weights", html.Span(code, className="mono", title="First digits of the SHA-256 of the ONNX file")),
        ("ONNX against Keras", _apart(card.onnx_max_difference)),
    ]


def network_words(card: Card) -> str:
    """`LSTM 128 → 64 → 32`, as the card has it."""
    units = " → ".join(map(str, card.network.get("units", [])))
    return str(card.network.get("kind") or f"LSTM {units}".strip())


def _apart(difference: float) -> str:
    """A largest difference in words, one significant digit, never with an exponent."""
    if difference == 0:
        return "exactly the same"
    size = Decimal(f"{difference:.0e}")
    return f"differs by at most {numbers.fixed(size, max(0, -size.adjusted()))}"


def _break_even(rate: float, cost: float) -> str:
    if rate >= 1:
        return f"none: costs of {numbers.percent(cost, 2)} exceed the barriers"
    return f"{numbers.percent(rate, 1)} right at {numbers.percent(cost, 2)} a round trip"


def _moment(ms: int) -> str:
    return numbers.minute(from_ms(ms))


def _verdict(card: Card) -> html.Ul:
    lines = [
        _line(b.model_against.beats, f"Beats {b.title if b.title[:2].isupper() else b.title.lower()}", against_text(b))
        for b in card.baselines
    ]
    worth = numbers.count(card.metrics.independent or card.metrics.n_eff)
    lines.append(_line(card.metrics.skill > 0, "Brier skill above zero", numbers.signed(card.metrics.skill, 4)))
    lines.append(_line(card.leak_lab == "green", "Leak lab", card.leak_lab))
    told = html.Span("Independent calls these are worth", className="t2", title=INDEPENDENT)
    figures = html.Span(f"{worth} of {numbers.count(card.metrics.n)}", className="end")
    lines.append(html.Li([html.Span(icon("dash-lg"), className="t4"), told, figures]))
    return html.Ul(lines, className="list")


def _line(holds: bool, text: str, value: str) -> html.Li:
    mark = html.Span(icon("check-circle" if holds else "x-circle"), className="good" if holds else "t4")
    word = html.Span("yes" if holds else "no", className="visually-hidden")
    return html.Li([mark, word, html.Span(text, className="t2"), html.Span(value, className="end")])


def _shares(card: Card) -> html.Table:
    """How often each class happened in each stretch."""
    columns = [Column("Happened, %"), *(Column(WORDS[name], number=True) for name in CLASSES)]
    parts = (("Train", card.split.train), ("Validation", card.split.validation), ("Test", card.split.test))
    rows = [Row([name, *(numbers.fixed(100 * share, 1) for share in part.shares)]) for name, part in parts]
    return table(columns, rows, label="How often each class happened", dense=True, words="last-plain bare")


def _features(card: Card) -> html.Ul:
    return html.Ul([html.Li(html.Span(f.title), title=f.about) for f in card.features], className="list plain two")


SCORES = [
    Column("Forecaster"),
    Column("Right, % with 95% interval", words="hit-cell"),
    Column("Macro F1", number=True, words="m-drop"),
    Column("MCC", number=True, words="m-drop"),
    Column("Log loss", number=True),
    Column("Brier", number=True, words="m-drop"),
    Column("McNemar p", number=True, words="m-drop", hint=MCNEMAR),
    Column("Model saves, nats", number=True, words="full", hint="Log loss of the rule minus that of the model."),
]


def scorecard(card: Card) -> html.Table:
    """The model first, every simple rule under it, in the same units."""
    best = max((b.metrics.accuracy for b in card.baselines), default=None)
    rows = [_score("LSTM", "this version", card.metrics, [numbers.MISSING] * 2, best, words="sel")]
    rows += [_score(b.title, b.about, b.metrics, [_right_alone(b), against_text(b)], None) for b in card.baselines]
    return table(SCORES, rows, label="Scores in the test period", words="last-plain tsc")


def _right_alone(baseline: Baseline) -> html.Span:
    """McNemar's p, and on hovering which of the two was right alone how often."""
    found = baseline.mcnemar
    if found is None:
        return html.Span("not recorded", className="t3 fs12", title="Trained before Bolt compared calls this way.")
    told = (
        f"The LSTM alone was right in {numbers.count(found.model_alone)} calls, this rule alone in "
        f"{numbers.count(found.baseline_alone)}; {numbers.fixed(found.design_effect, 1)} calls are worth one."
    )
    shown = "< 0.001" if found.p_value < 0.001 else numbers.fixed(found.p_value, 3)
    return html.Span(shown, title=told)


def _score(
    name: str, about: str, metrics: Metrics, against: Sequence[object], best: float | None, *, words: str = ""
) -> Row:
    low, high = metrics.accuracy_interval
    plot = interval_plot(metrics.accuracy, low, high, baseline=best, span=BAR_RANGE)
    bounds = html.Span(numbers.bounds(numbers.fixed(100 * low, 1), numbers.fixed(100 * high, 1)), className="t3 fs12")
    cells = [
        html.Span(html.B(name), className="mk", title=about),
        html.Div([plot, html.Span([f"{numbers.fixed(100 * metrics.accuracy, 1)} ", bounds])], className="hit"),
        numbers.fixed(metrics.macro_f1, 3),
        numbers.signed(metrics.mcc, 3),
        numbers.fixed(metrics.log_loss, 4),
        numbers.fixed(metrics.brier, 4),
        *against,
    ]
    return Row(cells, words)


def confusion(card: Card) -> html.Table:
    """Rows: what happened; columns: what was called, with the share of the row."""
    columns = [Column("Happened"), *(Column(f"Called {name}", number=True) for name in CLASSES)]
    rows = []
    for label, counts in zip(CLASSES, card.metrics.confusion, strict=True):
        total = sum(counts) or 1
        cells = [
            html.Span(
                [numbers.count(n), html.Small(numbers.percent(n / total), className="t3 of-row")],
                className="t1" * (CLASSES[k] == label),
            )
            for k, n in enumerate(counts)
        ]
        rows.append(Row([WORDS[label], *cells]))
    return table(columns, rows, label="Calls against outcomes", dense=True, words="last-plain")
