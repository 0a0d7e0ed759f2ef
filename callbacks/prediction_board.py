"""What the board on the Predictions page says and shows: the finding, every call, test periods, what settled lately."""

from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from db.queries.predictions import CallRow
from db.queries.trained_models import ModelRow
from layouts.components import call_table, uncalled
from layouts.components.call_table import Call, Settled, Tested
from layouts.components.feedback import empty, headline
from layouts.components.forms import button
from layouts.components.icons import icon
from layouts.components.uncalled import Uncalled

HONEST = "Every call is stored before its outcome exists and scored after it. Not financial advice."
EXPORT = "/predictions/scorecard.csv"
ALL_SETTLED = "/predictions/settled"


def nothing(models: dict[int, ModelRow]) -> Component:
    if models:
        words = "A model is there; its first call is made when the next candle of its markets closes."
        return empty("No call has been made yet", words, [button("See the model", href="/models", kind="primary")])
    words = "A call is what a model says about the next bars. Train a model first; it then calls every closed candle."
    return empty("No call has been made yet", words, [button("Go to models", href="/models", kind="primary")])


def finding(calls: list[Call], tested: list[Tested]) -> Component:
    """How many models have beaten every simple rule on settled calls; simulated ones count for nothing."""
    real = [c for c in calls if not c.simulated]
    rows: list[Call | Tested] = [*real, *(t for t in tested if not t.simulated)]
    n = len({(r.market_path, r.timeframe) for r in rows})
    if not n:
        return headline(
            "All calls here are on simulated markets: they show how Bolt keeps score and prove nothing.", HONEST
        )
    better = len({(c.market_path, c.timeframe) for c in real if c.level})
    markets = "market has" if n == 1 else "markets have"
    if not better:
        return headline(f"None of {n} {markets} a model that has beaten simple rules so far.", HONEST)
    rest = f"Treat the other calls as unproven. {HONEST}" if better < n else HONEST
    return headline(f"{better} of {n} {markets} a model that has beaten simple rules so far.", rest)


FILTERS = (("", "All"), ("evidence", "With evidence"), ("abstaining", "Abstaining"))


def _fits(call: Call, show: str) -> bool:
    return show not in ("evidence", "abstaining") or (bool(call.level) if show == "evidence" else call.abstained)


def board(
    calls: list[Call], tested: list[Tested], uncalled_: list[Uncalled], show: str, now: datetime
) -> list[Component]:
    drawn: list[Component] = []
    if calls:
        chosen = [c for c in calls if _fits(c, show)]
        drawn.append(_filters(calls, show))
        nothing = html.P("No market fits. Choose All to see every call.", className="pane-body t3")
        drawn.append(call_table.board(chosen, now=now) if chosen else nothing)
        drawn.append(call_table.legend())
    if tested and not show:
        head = [
            html.H2("Test periods"),
            html.Span(
                "markets without live calls: their series has ended, or the next candle is awaited",
                className="t3 fs12 m-hide",
            ),
        ]
        drawn.append(html.Div(head, className="pane-head"))
        drawn.append(call_table.tested(tested, now=now))
    return drawn if show else [*drawn, *uncalled.block(uncalled_)]


def _filters(calls: list[Call], show: str) -> Component:
    """All, with evidence or abstaining, each with its count; and everything as CSV."""
    links = []
    for key, title in FILTERS:
        count = sum(_fits(c, key) for c in calls)
        address, words = f"/predictions?show={key}" if key else "/predictions", f"{title} {count}"
        here = html.Span(words, className="on", **{"aria-current": "true"})
        links.append(here if key == show else dcc.Link(words, href=address))
    save = html.A([icon("download", small=True), "Export CSV"], href=EXPORT, className="btn btn-secondary btn-sm")
    seg = html.Nav(links, className="seg-links", **{"aria-label": "Which calls"})
    return html.Div([seg, html.Div(save, className="end")], className="board-bar")


def settled(rows: list[CallRow], counted: list[Component], now: datetime) -> list[Component]:
    """The newest of the last day; `counted`: how all of them came out, which may be more than are shown."""
    known = [settled_row(row) for row in rows]
    words = counted or "none yet"
    every = dcc.Link("All settled calls", href=ALL_SETTLED, className="end fs12")
    head = html.Div(
        [html.H2("Settled in the last 24 h"), html.Span(words, className="t3 fs12 m-hide"), every],
        className="pane-head",
    )
    return [head, call_table.settled(known, now=now)] if known else [head]


def settled_row(row: CallRow) -> Settled:
    """A call that has settled, as tables show it."""
    assert row.outcome is not None and row.log_return is not None and row.log_loss is not None
    assert row.settled_at is not None
    return Settled(
        symbol=row.symbol,
        exchange=row.exchange,
        timeframe=row.timeframe,
        simulated=row.simulated,
        said=row.call,
        confidence=row.confidence,
        outcome=row.outcome,
        log_return=row.log_return,
        ambiguous=bool(row.ambiguous),
        log_loss=row.log_loss,
        settled_at=row.settled_at,
        abstained=row.abstained,
        revised=row.revised_words,
    )
