"""The Markets page: what is stored, how the sources answer, and importing files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dash import dcc, html
from dash.development.base_component import Component

from core.clock import from_ms
from layouts import ids
from layouts.components.coverage import complete, coverage_bar
from layouts.components.feedback import empty, freshness, key_figures, page_head, pane, simulated_badge, skeleton
from layouts.components.numbers import ago, count, exact_moment, moment, until
from layouts.components.venues import venue

REFRESH_MS = 2_000
STATES: dict[str, tuple[str, Literal["ok", "warn", "bad", "off"]]] = {
    "ok": ("answers", "ok"),
    "waiting": ("asked to wait", "warn"),
    "down": ("silent", "bad"),
    "blocked": ("refuses this address", "bad"),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One line of the table: a market at one timeframe. `followable`: its exchange can be asked for candles."""

    market_id: int
    symbol: str
    exchange: str
    path: str
    simulated: bool
    followed: bool
    followable: bool
    timeframe: str
    rows: int
    first_ms: int
    last_ms: int
    gaps: int
    missing: int
    flagged: int
    updated_at: datetime
    step_ms: int
    confirmed: int = 0
    holes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """How an exchange answered last."""

    exchange: str
    state: str
    detail: str
    latency_ms: float | None
    checked_at: datetime
    answered_at: datetime | None
    since: datetime | None = None
    wait_until: datetime | None = None
    breaker: str = "closed"
    breaker_wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """An import that runs, waits, failed or was cancelled. `fraction` is 0 to 1; `lines` are (number, reason)."""

    key: str
    what: str
    state: str
    fraction: float
    message: str
    lines: tuple[tuple[int, str], ...]
    download: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """An import that stored candles. `lines` counts refused and replaced ones."""

    key: str
    file_name: str
    what: str
    path: str
    summary: str
    lines: int
    at: datetime
    download: str = ""


def layout(**_query: str) -> Component:
    """The page; callbacks fill it."""
    waiting = html.Div(skeleton(8), className="pane-body roomy")
    return html.Div(
        [
            dcc.Interval(id=ids.Markets.TICK, interval=REFRESH_MS),
            dcc.Store(id=ids.Markets.CHOSEN),
            dcc.Store(id=ids.Markets.TAKEN),
            page_head("Markets", "Candles stored here, and where they come from"),
            html.Div(id=ids.Markets.SERVING),
            html.Div(id=ids.Markets.FORM),
            html.Div(id=ids.Markets.JOBS),
            html.Div(id=ids.Markets.REPORT),
            html.Div(
                [
                    html.Div(waiting, id=ids.Markets.TABLE, className="pane"),
                    html.Aside(
                        [html.Div(id=ids.Markets.SOURCES), html.Div(id=ids.Markets.IMPORTS)], className="pane rail"
                    ),
                ],
                className="panes detail",
            ),
        ],
        className="page markets-page",
    )


def import_form(most_mb: int) -> Component:
    """The pane for importing; `assets/64-markets.js` draws its fields and sends the files."""
    fields = html.Div(id=ids.Markets.FIELDS, className="import-fields", **{"data-most-mb": str(most_mb)})
    sub = f"CSV, CSV.GZ, ZIP or Parquet with timestamp, open, high, low, close, volume; up to {most_mb} MB each"
    return pane("Import candles", fields, sub=sub, label="Import candles")


def stored_table(lines: list[Stored], *, analyst: bool, now: datetime) -> Component:
    """One row a series, the market named on its first."""
    if not lines:
        words = "Markets stand here once a file is imported or an exchange is followed."
        return html.Div(empty("No markets yet", words), className="pane-body roomy")
    head = ["Market", "Timeframe", "Candles", "Stored", "Complete", "Gaps", "Last", "Updated", ""]
    right = ("Candles", "Complete", "Gaps")
    cells = [html.Th(name, scope="col", className="num" if name in right else "") for name in head]
    rows, before = [], ""
    for line in lines:
        rows.append(_row(line, first=line.path != before, analyst=analyst, now=now))
        before = line.path
    table = html.Table([html.Thead(html.Tr(cells)), html.Tbody(rows)], className="tbl dense stored")
    return html.Div(table, className="tbl-scroll")


def _row(line: Stored, *, first: bool, analyst: bool, now: datetime) -> html.Tr:
    name: list[Any] = [html.Span([line.symbol, " ", line.exchange], className="visually-hidden")]
    if first:
        name = [dcc.Link(line.symbol, href=f"/charts/{line.path}"), html.Span(line.exchange)]
        name += [simulated_badge(short=True)] if line.simulated else []
        name += [html.Span("followed")] if line.followed and not line.simulated else []
    chart = dcc.Link(line.timeframe, href=f"/charts/{line.path}?tf={line.timeframe}")
    return html.Tr(
        [
            html.Td(html.Div(name, className="mk"), className="mkt"),
            html.Td(chart, className="tf"),
            _named("Candles", count(line.rows), "num"),
            html.Td(_coverage(line, now), className="cov"),
            _named("Complete", complete(line.rows, line.missing), "num"),
            _named("Gaps", _gaps(line), "num"),
            _named("Last", _time(line.last_ms, now)),
            _named("Updated", html.Span(ago(line.updated_at, now=now), title=exact_moment(line.updated_at))),
            html.Td(_follow_button(line) if first and analyst and line.followable else None, className="num do"),
        ],
        className="first" if first else "",
    )


def _coverage(line: Stored, now: datetime) -> Component:
    """From when, the bar with its holes, to when."""
    end = line.last_ms + line.step_ms
    words = f"{exact_moment(from_ms(line.first_ms))} to {exact_moment(from_ms(end))}"
    counts = {"rows": line.rows, "missing": line.missing}
    bar = coverage_bar(line.first_ms, end, line.holes, **counts, words=words)
    begin = html.Span(moment(from_ms(line.first_ms), now=now), className="t4")
    return html.Div([begin, bar], className="covering")


def _gaps(line: Stored) -> Any:
    """How many holes there are, and how many of them their exchange has confirmed."""
    if not line.gaps:
        return count(0)
    sure = f" ({count(line.confirmed)} confirmed)" if line.confirmed else ""
    return dcc.Link(f"{count(line.gaps)}{sure}", href="/data-quality")


def _named(name: str, value: Any, words: str = "") -> html.Td:
    """A cell whose name stands before its value on phones, where the head of the table is gone."""
    return html.Td(value, className=words, **{"data-label": name})


def _follow_button(line: Stored) -> html.Button:
    words, label = ("Unfollow", "Stop fetching") if line.followed else ("Follow", "Fetch")
    return html.Button(
        words,
        id={"type": ids.Markets.FOLLOWED, "index": line.market_id},
        className="btn btn-ghost btn-sm",
        n_clicks=0,
        **{"aria-label": f"{label} new candles of {line.symbol} from {line.exchange}"},
    )


def _time(ms: int, now: datetime) -> html.Span:
    return html.Span(moment(from_ms(ms), now=now), title=exact_moment(from_ms(ms)))


def sources_pane(sources: list[Source], *, demo: bool, now: datetime) -> Component:
    """Each exchange with its last answer; the demo exchange where it is part of this desk."""
    pairs: list[tuple[Any, Any]] = [(venue(one.exchange), _source(one, now)) for one in sources]
    if demo and not any(one.exchange == "demo" for one in sources):
        pairs.append(("Demo exchange", freshness("simulated", "sim")))
    body = key_figures(pairs) if pairs else html.P("No exchange was asked yet.", className="t3 fs12")
    return pane("Sources", body, label="Sources")


def _source(one: Source, now: datetime) -> Component:
    """How it answers, since when, and when it is asked again."""
    words, kind = STATES.get(one.state, (one.state, "off"))
    if one.state == "ok" and one.latency_ms is not None:
        words = f"{words} in {count(one.latency_ms)} ms"
    elif one.state != "ok":
        last = f"last answered {ago(one.answered_at, now=now)}" if one.answered_at else "never answered"
        words = f"{words}, {last}"
    about = [f"Since {moment(one.since, now=now)}"] if one.since else []
    if one.wait_until and one.wait_until > now:
        about.append(f"next try in {until(one.wait_until, now=now)}")
    elif one.breaker != "closed":
        again = f"in {count(one.breaker_wait)} s" if one.breaker_wait >= 1 else "with the next request"
        about.append(f"breaker {one.breaker}, next try {again}")
    small = html.Div(", ".join(about), className="t4 fs11") if about else None
    title = f"{one.detail} Asked {ago(one.checked_at, now=now)}.".strip()
    return html.Div([html.Span(freshness(words, kind), title=title), small])


def work_pane(work: list[Work]) -> Component | None:
    """Imports that are not done: progress, or why they failed."""
    if not work:
        return None
    return pane("Imports", [_work(one) for one in work], label="Imports")


def _work(one: Work) -> Component:
    parts: list[Any] = [html.B(one.what, className="t1"), html.Span(one.state, className="t3")]
    if one.state in {"failed", "cancelled"}:
        parts.append(html.Span(one.message, className="bad" if one.state == "failed" else "t3"))
        parts += _lines_buttons(one.key, len(one.lines), one.download)
    else:
        bar = html.I(style={"width": f"{one.fraction:.0%}"})
        about = {"aria-valuenow": f"{100 * one.fraction:.0f}", "aria-valuemin": "0", "aria-valuemax": "100"}
        parts.append(html.Span(bar, className="prog", role="progressbar", **about, **{"aria-label": one.what}))
        parts.append(html.Span(one.message, className="t3"))
    return html.Div(parts, className="work")


def imports_pane(done: list[Imported], *, now: datetime) -> Component:
    """The latest imports with their last line."""
    if not done:
        body: Any = html.P("No file has been imported yet.", className="t3 fs12")
    else:
        body = html.Ul([_imported(one, now) for one in done], className="list")
    return pane("Latest imports", body, label="Latest imports")


def _imported(one: Imported, now: datetime) -> html.Li:
    words: list[Any] = [
        html.Div([dcc.Link(one.what, href=f"/charts/{one.path}"), html.Span(ago(one.at, now=now), className="end")]),
        html.Div(one.file_name, className="t3 trunc", title=one.file_name),
        html.Div(one.summary, className="t2"),
    ]
    words += _lines_buttons(one.key, one.lines, one.download)
    return html.Li(html.Div(words, className="imported"))


def _lines_buttons(key: str, lines: int, download: str) -> list[Component]:
    """Show the first of them here; the uploader downloads all."""
    link = html.A("Download all as CSV", href=download, download="", className="btn btn-ghost btn-sm")
    return [*([_lines_button(key, lines)] if lines else []), *([link] if download else [])]


def _lines_button(key: str, lines: int) -> html.Button:
    words, key_of = "Show 1 line" if lines == 1 else f"Show {count(lines)} lines", {"type": ids.Markets.LINES}
    return html.Button(words, id={**key_of, "index": key}, className="btn btn-secondary btn-sm", n_clicks=0)


def report_pane(title: str, refused: list[tuple[int, str]], replaced: list[tuple[int, str]]) -> Component:
    """Every line of a file that was refused or overruled, with its reason."""
    rows = [_line(number, "refused", reason) for number, reason in refused]
    rows += [_line(number, "overruled", reason) for number, reason in replaced]
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in ("Line", "What", "Reason")]))
    table = html.Div(html.Table([head, html.Tbody(rows)], className="tbl dense"), className="refused")
    close = html.Button("Close", id=ids.Markets.CLOSE, className="btn btn-secondary btn-sm", n_clicks=0)
    return pane(f"Lines of {title}", table, end=close, flush=True, label="Refused lines")


def _line(number: int, what: str, reason: str) -> html.Tr:
    return html.Tr([html.Td(count(number)), html.Td(what), html.Td(reason, className="wrap full")])
