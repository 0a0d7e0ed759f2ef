"""The admin desk: the machine, jobs, sources, storage. Every callback here is for admins alone."""

from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from dash import ALL, Input, Output, ctx
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.orm import Session

import core.job_queue
import db.engine
import db.queries.job_table as job_table
import db.queries.leases
import db.queries.sources
import db.queries.storage
import db.queries.trained_models
from callbacks.admin_health import health, live_workers, queues, redis_version
from callbacks.guards import needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core import machine
from core.breaker import Breaker
from core.clock import utc_now
from core.errors import NotFound
from core.machine import AMBER, Machine
from core.roles import Role
from core.settings import Settings
from core.shared import SharedNumbers
from db.queries import audit
from layouts import ids
from layouts.components import admin_desk as desk
from layouts.components.numbers import percent
from layouts.components.venues import venue

DAY = timedelta(days=1)
LATEST = 8  # events that are listed
LEASE = "scheduler"
COUNTED_S = 60.0  # how long the size of a model's folder is believed

wire = Wiring()
_sizes: dict[Path, tuple[float, int]] = {}  # a folder's bytes and until when they are believed


def settings() -> Settings:
    found: Settings = current_app.extensions["bolt_settings"]
    return found


@wire(
    Output(ids.Admin.WRONG, "children"),
    Output(ids.Admin.STRIP, "children"),
    Output(ids.Admin.SOURCES, "children"),
    Output(ids.Admin.HEALTH, "children"),
    Output(ids.Admin.WORKERS, "children"),
    Output(ids.Admin.LATEST, "children"),
    Input(ids.Admin.TICK, "n_intervals"),
    Input(ids.Admin.CHANGED, "data"),
)
@needs(Role.ADMIN)
def draw(_ticks: int | None, _changed: Any) -> tuple[Any, ...]:
    """Everything but the jobs, which their table asks for itself."""
    now, here = utc_now(), machine.read(settings().bolt_data)
    with db.engine.session() as session:
        sources = [breaker_of(row) for row in db.queries.sources.all_of_them(session)]
        store = db.queries.storage.read(session)
        taken = sum(size_of(folder) for folder in folders(session))
        counts, waiting = job_table.counts(session, since=now - DAY), job_table.queues(session)
        lease = db.queries.leases.current(session, LEASE)
        events = [event_words(e) for e in audit.page(session, audit.Wanted(), limit=LATEST)]
    scheduler = lease is not None and lease.expires_at > now
    redis, workers = redis_version(), live_workers()
    return (
        desk.wrong(faults(here, counts.failed, sources, scheduler=scheduler, redis=redis is not None)),
        desk.machine_strip(desk.gauges(here), desk.figures(store.database_bytes, store.candles, store.first, taken)),
        desk.sources_pane(sources, now=now),
        desk.health_pane(health(store, redis, counts, scheduler=scheduler)),
        desk.workers_pane(queues(waiting, workers), [(w.name, w.state, w.seen_at) for w in workers], now=now),
        desk.latest_pane(events, now=now),
    )


def faults(here: Machine, failed: int, sources: list[desk.Breaker], *, scheduler: bool, redis: bool) -> list[str]:
    """What somebody should look at, the worst first, each a sentence."""
    found = []
    if not redis:
        found.append("Redis does not answer: jobs wait, pages still read")
    if not scheduler:
        found.append("No scheduler is at work: nothing is fetched, called or settled by itself")
    full = (("disk", here.disk), ("memory", here.memory or 0.0))
    found += [f"The {name} is {percent(share)} full" for name, share in full if share >= AMBER]
    if failed:
        found.append("1 job has failed within a day" if failed == 1 else f"{failed} jobs have failed within a day")
    for one in sources:
        if one.state != "ok":
            found.append(f"{venue(one.exchange)} {desk.STATES.get(one.state, one.state)}")
        elif one.breaker != "closed":
            found.append(f"The breaker of {venue(one.exchange)} is {one.breaker}")
    if here.busy >= AMBER:
        found.append(f"The processor is at {percent(here.busy)} of its cores")
    return found


def breaker_of(row: Any) -> desk.Breaker:
    """A source with the state of its breaker, `unknown` while Redis is away."""
    shared = SharedNumbers(core.job_queue.redis())
    state, wait = Breaker(shared, row.exchange).state()
    if shared.alone:
        state, wait = "unknown", 0.0
    return desk.Breaker(row.exchange, row.state, row.detail, row.answered_at, row.latency_ms, state, wait)


def folders(session: Session) -> list[Path]:
    """Where the files of every version lie."""
    return [settings().models / place for place in db.queries.trained_models.all_folders(session)]


def size_of(folder: Path) -> int:
    """Bytes of a folder, counted at most once a minute: the desk is drawn anew every ten seconds."""
    at, known = monotonic(), _sizes.get(folder)
    if known is None or known[0] < at:
        _sizes[folder] = known = (at + COUNTED_S, machine.bytes_of(folder))
    return known[1]


def event_words(event: Any) -> tuple[str, datetime, str]:
    """`mara@example.org: role changed, user jonas@example.org`."""
    words = f"{event.actor}: {event.action.replace('_', ' ')}"
    return f"{words}, {event.object}" if event.object else words, event.at, event.result


@wire(
    Output(ids.Admin.CHANGED, "data"),
    Input({"type": ids.Admin.RESET, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def close_breaker(_clicks: list[int | None]) -> str:
    """Let calls through again at once; what the exchange itself asked for is still respected."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    exchange = str(ctx.triggered_id["index"])
    with db.engine.session() as session:
        if db.queries.sources.get(session, exchange) is None:
            raise NotFound("There is no such source.")
        note(session, "breaker_reset", f"source {exchange}")
    Breaker(SharedNumbers(core.job_queue.redis()), exchange).succeeded()
    say(f"The breaker of {exchange.capitalize()} is closed", "The next call goes through.")
    return utc_now().isoformat()
