"""The Charts page: read what is asked for, compute, draw."""

from typing import Any, Literal

from dash import Input, Output, State, set_props
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

import db.engine
import db.queries.jobs as jobs
import market.candles
from callbacks import chart_view
from callbacks.chart_beside import compare, holes, marks
from callbacks.chart_keep import filled, kept
from callbacks.chart_rail import Basis, forecast, last_price, latest_call, rail
from callbacks.chart_source import charted, stand_in, switched
from callbacks.chart_view import Place, View
from callbacks.wiring import Wiring
from core.clock import from_ms, to_ms, utc_now
from core.errors import NotFound
from core.jobs import FILL_DEMO, OPEN_STATES
from core.timeframe import TIMEFRAMES
from layouts import ids
from layouts.components import chart_toolbar, price_chart
from layouts.components.feedback import freshness, note_strip, simulated_strip
from layouts.components.numbers import age, change, moment, price, tone
from layouts.components.price_chart import Against, Drawn, Loaded
from layouts.pages import charts as page
from market.candles import Window
from market.heikin_ashi import SETTLED, heikin_ashi
from market.indicators.ahead import ahead
from market.indicators.compute import compute_all, warmup
from market.key_figures import key_figures

Kind = Literal["ok", "warn", "off", "sim"]

STALE_AFTER = 2  # intervals without a new candle
SIMULATED = "These candles are made by Bolt's demo exchange. Nothing here is a market price or counts as evidence."

wire = Wiring()

for word, prop in (
    ("reset", Input(ids.Charts.CHART, "dblClick")),
    ("clicked", Input(ids.Charts.CHART, "click")),
    ("known", Input(ids.Charts.MARKETS, "data")),
    ("kept", Input(ids.Charts.KEPT, "data")),
    # a store of its own: of two answers in one store Dash tells the later one alone
    ("answered", Input(ids.Charts.ANSWER, "data")),
):
    wire.clientside(f"charts.{word}", prop)
# these run for what a page opens with too, and Dash calls only what has an output then
wire.clientside("charts.opened", Output(ids.Charts.CANVAS, "data-asked"), Input(ids.Charts.VIEW, "data"))
wire.clientside("charts.render", Output(ids.Charts.CANVAS, "data-drawn"), Input(ids.Charts.FRAME, "data"))


@wire(
    Output(ids.Charts.FRAME, "data"),
    Output(ids.Charts.SUMMARY, "children"),
    Input(ids.Charts.VIEW, "data"),
    Input(ids.Charts.WANTED, "data"),
)
def draw_chart(raw: Any, wanted: Any) -> tuple[dict[str, Any], str]:
    """The candles in view and their indicators, packed."""
    with db.engine.session() as session:
        view = chart_view.read(filled(session, raw), wanted, now=utc_now())
        stands = _place(session, view)
        window = load(session, view, stands)
        newest = latest_call(session, stands)
        against, why_not = compare(session, view, stands, window)
        past = marks(session, stands, window, newest) if view.calls else []
        more = {
            "stream": stands.name.path,
            "call": forecast(newest, stands),
            "marks": past,
            "holes": holes(session, stands, window),
            "cmp": against.packed() if against else None,
            "cmp_asked": view.against.path if view.against else None,
            "cmp_missing": why_not,
        }
    made, words = frame(view, stands, window, computed(view, window), against)
    return {**made, **more}, words + called(past)


@wire(
    Output(ids.Charts.FRAME, "data", allow_duplicate=True),
    Input(ids.Charts.TICK, "n_intervals"),
    State(ids.Charts.VIEW, "data"),
    State(ids.Charts.WANTED, "data"),
    State(ids.Charts.SEEN, "data"),
    prevent_initial_call=True,
)
def refresh(_ticks: int | None, raw: Any, wanted: Any, seen: Any) -> dict[str, Any]:
    """The frame again once a newer candle is stored, while the newest one is in view."""
    if not isinstance(seen, dict) or not seen.get("complete"):
        raise PreventUpdate
    with db.engine.session() as session:
        stands = _place(session, chart_view.read(filled(session, raw), wanted, now=utc_now()))
        if seen.get("stream") not in (None, stands.name.path):  # another exchange serves now: all is drawn anew
            set_props(ids.Charts.VIEW, {"data": {**raw, "seq": (raw.get("seq") or 0) + 1}})
            raise PreventUpdate
        if seen.get("end") == stands.end_ms:
            raise PreventUpdate
    return draw_chart(raw, wanted)[0]


@wire(
    Output(ids.Charts.TOOLBAR, "children"),
    Output(ids.Charts.STRIP, "children"),
    Output(ids.Charts.MARKETS, "data"),
    Output(ids.Charts.EMPTY, "children"),
    Output(ids.Charts.KEPT, "data"),
    Input(ids.Charts.VIEW, "data"),
)
def draw_toolbar(raw: Any) -> tuple[Any, Any, list[dict[str, Any]], Any, Any]:
    """Market, timeframes, indicators and what a person keeps; or what to do where there is nothing to draw."""
    with db.engine.session() as session:
        view = chart_view.read(filled(session, raw), now=utc_now())
        known = charted(session)
        try:
            stands = chart_view.place(session, view)
        except NotFound as missing:
            return None, None, known, page.unknown(missing.title, missing.sentence), kept(session, None, None)
        if stands is None:
            return None, None, known, _nothing(session, view), kept(session, None, None)
        silent = stand_in(session, stands)
        source = switched(session, stands)
        own = kept(session, stands.market.id, stands.name.path)
    bar = toolbar(view, source, (own or {}).get("settings", {}).get("favourites", []))
    strips = [simulated_strip(SIMULATED)] if stands.market.simulated else []
    strips += [silent] if silent is not None else []
    strips += [note_strip(" ".join(view.left_out))] if view.left_out else []
    return bar, strips, known, None, own


def toolbar(view: View, stands: Place, favourites: list[str]) -> Any:
    """The toolbar of a view."""
    return chart_toolbar.toolbar(
        stands.shown,
        stands.name.exchange,
        view.chosen,
        stands.timeframes,
        hidden=view.hidden,
        kind=view.type,
        scale="pct" if view.against else view.scale,
        against=view.against.symbol if view.against else None,
        favourites=favourites,
    )


@wire(
    Output(ids.Charts.RAIL, "children"),
    Output(ids.Charts.HEAD, "children"),
    Output(ids.Charts.AGE, "children"),
    Input(ids.Charts.VIEW, "data"),
    Input(ids.Charts.TICK, "n_intervals"),
)
def draw_rail(raw: Any, _ticks: int | None) -> tuple[Any, Any, Any]:
    """The latest call and key figures, the phone's header, and how old the newest candle is."""
    now = utc_now()
    with db.engine.session() as session:
        stands = _place(session, chart_view.read(filled(session, raw), now=now))
        name = "1h" if "1h" in stands.timeframes else stands.timeframes[0]
        candles = market.candles.latest(session, stands.market.id, name, 24 * 31)
        figures = key_figures(candles, TIMEFRAMES[name].ms)
        if figures is None:
            raise PreventUpdate
        closed = from_ms(int(candles.time[-1]) + TIMEFRAMES[name].ms)
        paid = last_price(session, stands)
        body = rail(session, stands, figures, basis=Basis(name, closed), now=now)
    venue = "Simulated" if stands.market.simulated else stands.name.exchange.capitalize()
    last = price(paid, stands.market.price_decimals)
    head = page.phone_head(stands.name.symbol, venue, last, change(figures.change_day), tone(figures.change_day))
    return body, head, freshness(*lateness(stands, to_ms(now)))


@wire(
    Output(ids.Charts.EMPTY, "children", allow_duplicate=True),
    Input(ids.Charts.TICK, "n_intervals"),
    State(ids.Charts.SEEN, "data"),
    State(ids.Charts.VIEW, "data"),
    prevent_initial_call=True,
)
def wait_for_candles(_ticks: int | None, seen: Any, raw: Any) -> Any:
    """While nothing is drawn: how far the first candles are; once they are there, the chart."""
    if seen:
        raise PreventUpdate
    with db.engine.session() as session:
        view = chart_view.read(filled(session, raw), now=utc_now())
        try:
            stands = chart_view.place(session, view)
        except NotFound:
            raise PreventUpdate from None
        if stands is None:
            return _nothing(session, view)
    set_props(ids.Charts.VIEW, {"data": {**raw, "seq": view.seq + 1}})
    raise PreventUpdate


def called(marked: list[list[Any]]) -> str:
    """Past calls in words, for those who do not see the marks."""
    settled = [right for *_, right in marked if right in (0, 1)]
    if not marked:
        return ""
    return f" Past calls marked: {len(marked)}, settled {len(settled)}, right {sum(settled)}."


def load(session: Session, view: View, stands: Place) -> Window:
    """The bars of a view, those that warm its indicators up before them; the newest where the span holds none."""
    start, end, most = chart_view.span(view, stands)
    lead = max((warmup(one, stands.timeframe.ms) for one in view.drawn), default=0)
    lead = max(lead, SETTLED) if view.type == "ha" else lead
    asked = {"max_bars": most, "lead": lead}
    name = stands.timeframe.name
    found = market.candles.window(session, stands.market.id, name, start_ms=start, end_ms=end, **asked)
    if len(found.visible):
        return found
    newest = stands.end_ms - chart_view.FIRST_BARS * stands.timeframe.ms
    return market.candles.window(session, stands.market.id, name, start_ms=newest, **asked)


def computed(view: View, window: Window) -> list[Drawn]:
    """The indicators that are not hidden, on the bars to draw; beyond them where those are the newest."""
    columns = compute_all(window.candles, view.drawn)
    at_end = len(window.visible) > 0 and int(window.visible.time[-1]) >= window.last_ms
    places = {one.key: place for place, one in enumerate(view.chosen)}
    return [
        Drawn(
            one,
            {key: values[window.lead :] for key, values in columns[one.key].items()},
            places[one.key],
            ahead(window.candles, one, window.step_ms) if at_end else {},
        )
        for one in view.drawn
    ]


def frame(
    view: View, stands: Place, window: Window, drawn: list[Drawn], against: Against | None = None
) -> tuple[dict[str, Any], str]:
    """(what the browser draws, the same in words), without the bars that only warmed up."""
    loaded = Loaded(window.visible, window.step_ms, window.first_ms, window.last_ms)
    averaged = heikin_ashi(window.candles)[window.lead :] if view.type == "ha" else None
    visible = None if view.start_ms is None and view.end_ms is None else [view.start_ms, view.end_ms]
    made = price_chart.frame(
        stands.shown,
        loaded,
        drawn,
        seq=view.seq,
        type=view.type,
        scale="pct" if view.against else view.scale,
        asked_scale=view.scale,
        calls=view.calls,
        ha=price_chart.bars_of_averages(averaged) if averaged else None,
        range=visible,
        ind=view.words,
        names={one.key: one.title for one in view.chosen},
        live=stands.market.followed,
        end=stands.end_ms,
    )
    return made, price_chart.summary(stands.shown, loaded, drawn, against)


def lateness(stands: Place, now_ms: int) -> tuple[str, Kind]:
    """(words, kind of dot) for the newest candle: fresh, stale, or the end of a series nobody feeds any more."""
    late = now_ms - stands.end_ms
    closed = moment(from_ms(stands.end_ms), now=from_ms(now_ms))
    if late <= STALE_AFTER * stands.timeframe.ms:
        return f"Last candle closed {closed}", "sim" if stands.market.simulated else "ok"
    if not stands.market.followed:
        return f"This series ended {closed}", "off"
    return f"Stale: no candle for {age(late / 1_000)}, the last closed {closed}", "warn"


def _place(session: Session, view: View) -> Place:
    """Where to look; where there is nothing, `draw_toolbar` says so and the others keep still."""
    try:
        stands = chart_view.place(session, view)
    except NotFound:
        raise PreventUpdate from None
    if stands is None:
        raise PreventUpdate
    return switched(session, stands)


def _nothing(session: Session, view: View) -> Any:
    """No market, or one without candles: what is being fetched, or how to begin."""
    if view.market is not None:
        return page.unknown(
            "No candles yet", f"Nothing of {view.market} is stored yet. Import a file on the Markets page."
        )
    open_fills = [job for job in jobs.latest(session, name=FILL_DEMO.name, limit=1) if job.state in OPEN_STATES]
    if not open_fills:
        return page.no_markets(None, "")
    progress = open_fills[0].progress or {}
    return page.no_markets(float(progress.get("fraction", 0.0)), str(progress.get("message", "")))
