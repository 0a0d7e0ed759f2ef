"""What moved a call: the largest shares of its features, the others folded away."""

from dash import html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.feedback import skeleton
from layouts.components.probability import WORDS
from layouts.components.tables import Column, Row, table
from ml.attribution import Share
from ml.features import FEATURES

SHOWN = 5
USUAL, FAR = 0.5, 2.0  # deviations from the mean of the train rows
TITLES = {feature.key: feature for feature in FEATURES}
ABOUT = (
    "Each feature in turn is set to what was usual in training, and the call asked for again: the difference is its "
    "share. Features move together, so shares don't add up. They describe the model, not the market."
)


def waiting() -> html.Div:
    """While a worker has not answered yet."""
    return _block([html.Div(skeleton(SHOWN), className="moved-wait")])


def failed(sentence: str) -> html.Div:
    """Why it cannot be said."""
    return _block([html.P(sentence, className="t3 fs12")])


def block(said: str, shares: list[Share]) -> html.Div:
    """`said`: the likeliest class, whose probability the shares are of; `shares`: the largest first."""
    rest = shares[SHOWN:]
    parts: list[Component] = [_table(said, shares[:SHOWN])]
    if rest:
        more = html.Summary(f"{len(rest)} more", className="fs12 t2")
        parts.append(html.Details([more, _table(said, rest)], className="more-rows"))
    parts.append(html.P(ABOUT, className="t4 fs11 lead-in"))
    return _block(parts, html.Span(f"share in {WORDS[said].lower()}", className="end t3 fs12"))


def _block(body: list[Component], end: Component | None = None) -> html.Div:
    head: list[Component] = [html.H2("What moved it")] + ([end] if end is not None else [])
    return html.Div(
        [html.Div(head, className="pane-head"), html.Div(body, className="pane-body")], className="block moved"
    )


def _table(said: str, shares: list[Share]) -> html.Table:
    columns = [
        Column("Feature"),
        Column("Last bar", number=True, hint="Its value in the last bar, beside what was usual in training."),
        Column(f"To {WORDS[said].lower()}", number=True, hint="What it adds to the probability, percentage points."),
    ]
    rows = [Row([_name(s.feature), _told(s.last), numbers.points(s.change, 1)]) for s in shares]
    return table(columns, rows, label="What moved it", dense=True, words="last-plain bare steady")


def _name(key: str) -> html.Span:
    known = TITLES.get(key)
    return html.Span(known.title if known else key, className="t2", title=known.about if known else "")


def _told(last: float) -> html.Span:
    """A value in deviations, in words."""
    if abs(last) < USUAL:
        return html.Span("usual", className="t3")
    size = "very " if abs(last) >= FAR else ""
    return html.Span(f"{size}{'high' if last > 0 else 'low'}", className="t2", title=f"{numbers.signed(last, 1)} sd")
