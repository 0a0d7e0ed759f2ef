"""What stands on the admin desk: the machine, what is wrong, sources, models, health, and the job that was chosen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from core import locales
from core.machine import AMBER, Machine
from layouts import ids
from layouts.components.feedback import badge, freshness, headline, key_figures, pane, stat, strip
from layouts.components.forms import button
from layouts.components.numbers import MISSING, ago, compact, count, duration, fixed, moment, percent
from layouts.components.tables import Column, Row, meter, table
from layouts.components.venues import venue

GIB = 1024**3
BREAKERS = {"closed": "ok", "open": "bad", "half open": "warn", "unknown": "off"}
STATES = {"ok": "answers", "down": "silent", "blocked": "refuses this address", "waiting": "asked to wait"}
BADGES = {"running": "acc", "failed": "bad", "retrying": "warn", "queued": "line"}


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something that can be full: `share` from 0, None where the system does not tell."""

    title: str
    value: str
    of: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Breaker:
    """An exchange: how it answered last, and its breaker with the seconds until it lets a call through."""

    exchange: str
    state: str
    detail: str
    answered_at: datetime | None
    latency_ms: float | None
    breaker: str
    wait: float


@dataclass(frozen=True, slots=True)
class ChosenJob:
    """The job whose row was chosen."""

    id: str
    title: str
    state: str
    line: str
    facts: str
    may_retry: bool
    may_cancel: bool


def size(amount: float) -> str:
    """`912 kB`, `5.2 MB`, `1.9 GB`: decimal units, as disks are sold."""
    for unit, letter in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if amount >= unit:
            return f"{fixed(amount / unit, 1 if amount < 100 * unit else 0)} {letter}"
    return f"{count(amount)} B"


def wrong(faults: list[str]) -> Component:
    """What somebody should look at first, or that there is nothing."""
    if not faults:
        return headline("Everything works", "No failed job within a day, every source answers, and there is room.")
    first, *rest = faults
    return headline(first, html.Ul([html.Li(fault) for fault in rest], className="faults") if rest else None)


def machine_strip(gauges: list[Gauge], figures: list[tuple[str, str, str]]) -> Component:
    """Gauges, amber from 85 %, then figures as (title, value, note)."""
    return strip([*map(_gauge, gauges), *(stat(*figure) for figure in figures)], className="machine")


def _gauge(gauge: Gauge) -> Component:
    value = [gauge.value, html.Small(f" {gauge.of}")] if gauge.of else gauge.value
    if gauge.share is None:
        return stat(gauge.title, MISSING, "not told by this system", tone="t4")
    return stat(gauge.title, value, meter(gauge.share, kind="w" if gauge.share >= AMBER else "", label=gauge.title))


def sources_pane(sources: list[Breaker], *, now: datetime) -> Component:
    """Every exchange that was asked, with its breaker and the way to close it."""
    if not sources:
        return pane("Sources and breakers", html.P("No exchange was asked yet.", className="t3 fs12"))
    columns = [Column("Source"), Column("Breaker"), Column("Answered", number=True), Column("Took", number=True)]
    rows = [_source(one, now) for one in sources]
    note = "Closed lets requests through. Open stops them after 5 errors in a row; half open lets one through to try."
    body = [
        table([*columns, Column("")], rows, label="Sources and breakers", words="tsources"),
        html.P(note, className="pane-body t3 fs12 below-table"),
    ]
    return pane("Sources and breakers", html.Div(body), flush=True, label="Sources and breakers")


def _source(one: Breaker, now: datetime) -> Row:
    words = one.breaker.capitalize() + (f", tries in {duration(one.wait)}" if one.wait > 0 else "")
    name = html.Div([html.B(venue(one.exchange)), html.Span(STATES.get(one.state, one.state))], className="mk")
    act: Any = None
    if one.breaker not in ("closed", "unknown"):
        act = button("Reset", id={"type": ids.Admin.RESET, "index": one.exchange}, kind="ghost", small=True)
    took = MISSING if one.latency_ms is None else f"{count(one.latency_ms)} ms"
    cells = [
        html.Div(name, title=one.detail),
        freshness(words, BREAKERS[one.breaker]),  # type: ignore[arg-type]
        ago(one.answered_at, now=now),
        took,
        act,
    ]
    return Row(cells, key=None)


def health_pane(facts: list[tuple[str, str, str]]) -> Component:
    """(what, how it is, kind of dot) of each part of the system, with versions."""
    pairs = [(name, freshness(words, kind)) for name, words, kind in facts]  # type: ignore[arg-type]
    return pane("System", key_figures(pairs), label="System")


def workers_pane(
    rows: list[tuple[str, str, str, str, str]], workers: list[tuple[str, str, datetime | None]], *, now: datetime
) -> Component:
    """Queues as (name, due jobs, wait of the oldest, workers, kind of dot), then workers as (name, state, heard)."""
    columns = [Column("Queue"), Column("Due", number=True), Column("Oldest waits", number=True, words="m-drop")]
    lines = [
        Row([freshness(name.capitalize(), kind), depth, waited, hands])  # type: ignore[arg-type]
        for name, depth, waited, hands, kind in rows
    ]
    there = [
        html.Li([html.Span(f"{name}, {state or 'state unknown'}"),
                 html.Span(f"heard {ago(seen_at, now=now)}", className="end")])
        for name, state, seen_at in workers
    ]  # fmt: skip
    body = [
        table([*columns, Column("Workers", number=True)], lines, label="Queues", words="tqueues"),
        html.Ul(there, className="list live-workers")
        if there
        else html.P("No worker is alive: what is asked for waits.", className="pane-body t3 fs12 below-table"),
    ]
    return pane("Queues and workers", html.Div(body), flush=True, label="Queues and workers")


def latest_pane(events: list[tuple[str, datetime, str]], *, now: datetime) -> Component:
    """The newest events as (sentence, when, result)."""
    lines = [html.Li(_event(words, result, moment(at, now=now))) for words, at, result in events]
    body: Any = html.Ul(lines, className="list") if lines else html.P("Nothing was written yet.", className="t3 fs12")
    return pane("Latest events", body, end=dcc.Link("Audit log", href="/admin/audit"), label="Latest events")


def _event(words: str, result: str, when: str) -> list[Component]:
    return [html.Span(words, className="bad" if result != "ok" else ""), html.Span(when, className="end")]


def job_panel(job: ChosenJob | None) -> Component | None:
    """What stands under the table for the chosen job: its whole last line, and what can be done."""
    if job is None:
        return None
    acts = []
    if job.may_retry:
        acts.append(button("Run again", id={"type": ids.Admin.JOB_ACT, "index": f"retry/{job.id}"}, small=True))
    if job.may_cancel:
        cancel = {"type": ids.Admin.JOB_ACT, "index": f"cancel/{job.id}"}
        acts.append(button("Cancel job", id=cancel, kind="outline-danger", small=True))
    what = [
        html.B(job.title, className="t1"),
        " ",
        badge(job.state.capitalize(), BADGES.get(job.state, "")),  # type: ignore[arg-type]
        html.P(job.line, className="fs12 bad" if job.state == "failed" else "fs12 t2"),
        html.P(job.facts, className="fs12 t3"),
    ]
    return html.Div([html.Div(what, className="what"), html.Div(acts, className="acts")], className="chosen")


def figures(database: int, candles: int, first: datetime | None, models: int) -> list[tuple[str, str, str]]:
    """What is stored, for the strip."""
    since = f"since {locales.current().month(first)}" if first else "none yet"
    return [("Database", size(database), f"models {size(models)}"), ("Candles stored", compact(candles), since)]


def gigabytes(amount: int) -> str:
    return fixed(amount / GIB, 1 if amount < 100 * GIB else 0)


def gauges(machine: Machine) -> list[Gauge]:
    """Load, memory and disk."""
    used, total = machine.memory_used, machine.memory_total
    known = used is not None and total is not None
    return [
        Gauge(f"Load, {machine.cores} cores", percent(machine.busy), "", machine.busy),
        Gauge("Memory", gigabytes(used or 0), f"of {gigabytes(total or 0)} GiB", machine.memory if known else None),
        Gauge("Disk", gigabytes(machine.disk_used), f"of {gigabytes(machine.disk_total)} GiB", machine.disk),
    ]
