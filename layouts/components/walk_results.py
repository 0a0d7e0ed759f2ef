"""What a walk-forward adds to a card: each step on its own, kinds of market, sets and abstaining; and what a shuffled
split would have promised."""

from dash import html
from dash.development.base_component import Component

from core.clock import from_ms
from layouts.components import numbers
from layouts.components.feedback import pane
from layouts.components.tables import Column, Row, table
from ml.card import Card

STEPS = [
    Column("Step"),
    Column("Learned from", words="m-drop"),
    Column("Tested on"),
    Column("Calls", number=True, words="m-drop"),
    Column("Right, %", number=True),
    Column("MCC", number=True, words="m-drop"),
    Column("Log loss saved", number=True, hint="Nats a call against base rates, in this step alone."),
]
KINDS = [
    Column("Kind of market"),
    Column("Calls", number=True),
    Column("Right, %", number=True),
    Column("MCC", number=True, words="m-drop"),
    Column("Model saves, nats, 95% interval", number=True, words="full"),
]


def panes(card: Card) -> list[Component]:
    """Steps, kinds of market, what the model would rather not have called, a shuffled split; what there is of it."""
    parts: list[Component] = []
    if card.walk is not None and len(card.walk.folds) > 1:
        every = "every bar" if card.walk.stride == 1 else f"every {card.walk.stride}th bar"
        sub = f"{card.walk.scheme}, {every}; everything is fitted anew in each step"
        parts.append(pane("Walk-forward", _steps(card), sub=sub, flush=True))
    if card.regimes:
        parts.append(pane("By kind of market", _kinds(card), sub="as it was known before the call", flush=True))
    if words := _doubts(card):
        parts.append(pane("Doubts", html.P(words, className="t2 fs12")))
    if card.naive is not None:
        known, asked = numbers.count(card.naive.train), numbers.count(card.naive.test)
        sub = f"newest split, {known} rows to learn from, {asked} asked"
        parts.append(pane("Had rows been shuffled", html.P(card.naive.told, className="t2 fs12"), sub=sub))
    return parts


def _steps(card: Card) -> html.Table:
    folds = card.walk.folds if card.walk else []
    rows = [
        Row(
            [
                str(number),
                _span(fold.split.train.first_ms, fold.split.train.last_ms),
                _span(fold.split.test.first_ms, fold.split.test.last_ms),
                numbers.count(fold.n),
                numbers.fixed(100 * fold.accuracy, 1),
                numbers.signed(fold.mcc, 3),
                numbers.signed(fold.base_log_loss - fold.log_loss, 4),
            ]
        )
        for number, fold in enumerate(folds, 1)
    ]
    return table(STEPS, rows, label="Steps of the walk-forward", dense=True, words="last-plain")


def _kinds(card: Card) -> html.Table:
    rows = []
    for kind in card.regimes:
        low, high = (numbers.signed(edge, 4) for edge in kind.interval)
        saves = f"{numbers.signed(kind.gain, 4)} {numbers.bounds(low, high)}"
        rows.append(
            Row(
                [
                    kind.title,
                    numbers.count(kind.n),
                    numbers.fixed(100 * kind.accuracy, 1),
                    numbers.signed(kind.mcc, 3),
                    saves,
                ]
            )
        )
    return table(KINDS, rows, label="Test calls by kind of market", dense=True, words="last-plain")


def _doubts(card: Card) -> str:
    """How often the model would have abstained, and whether its sets keep their promise."""
    words = []
    if card.abstained is not None:
        share = numbers.percent(card.abstained.share, 1)
        answered = numbers.percent(card.abstained.answered_accuracy, 1)
        words.append(
            f"It would have abstained on {share} of the test calls ({numbers.percent(card.abstained.undecided, 1)} "
            f"undecided, {numbers.percent(card.abstained.novel, 1)} unlike anything it had seen); of the other "
            f"{numbers.count(card.abstained.answered)} it got {answered} right."
        )
    if card.sets is not None:
        words.append(
            f"Its sets promise to hold what happens {numbers.percent(card.sets.target)} of the time and held it "
            f"{numbers.percent(card.sets.coverage, 1)}, "
            f"with {numbers.fixed(card.sets.mean_size, 1)} of 3 classes in them."
        )
    return " ".join(words)


def _span(first_ms: int, last_ms: int) -> str:
    first, last = from_ms(first_ms), from_ms(last_ms)
    return numbers.dates(first, last)
