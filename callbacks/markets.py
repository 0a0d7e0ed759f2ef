"""The Markets page: what is stored, how sources answer, and how imports are going."""

import re
from datetime import datetime
from typing import Any

from dash import ALL, Input, Output, ctx, no_update
from dash.exceptions import PreventUpdate
from flask import current_app
from sqlalchemy.orm import Session

import core.job_queue
import db.engine
import db.queries.gaps as gaps
import db.queries.imports as imports
import db.queries.instance
import db.queries.jobs as jobs
import db.queries.listings as listings
import db.queries.markets as markets
import db.queries.refusals as refusals
import db.queries.sources as sources
from callbacks.chart_source import strips
from callbacks.guards import current_role, current_user_id, may
from callbacks.market_coverage import holes_of
from callbacks.wiring import Wiring
from core.breaker import Breaker
from core.clock import utc_now
from core.errors import NotFound
from core.jobs import IMPORT_FILE, JobState
from core.market_name import MarketName
from core.roles import Role, covers
from core.settings import Settings
from core.shared import SharedNumbers
from core.timeframe import TIMEFRAMES
from db.tables import Import, Job, SourceHealth
from layouts import ids
from layouts.components import market_search as search
from layouts.pages import markets as page
from layouts.pages.markets import Imported, Source, Stored, Work

LATEST = 8  # imports that are listed
IMPORT_ID = re.compile(r"[0-9]{1,9}")
LINE = re.compile(r"line (\d+): (.*)")

wire = Wiring()
wire.clientside("markets.fields", Output(ids.Markets.FIELDS, "data-ready"), Input(ids.Markets.FIELDS, "id"))


@wire(Output(ids.Markets.FORM, "children"), Input(ids.Markets.FORM, "id"))
def draw_form(_id: str) -> Any:
    """The search for everybody, the import for those who may."""
    settings, now, analyst = _settings(), utc_now(), may(Role.ANALYST)
    with db.engine.session() as session:
        listed = search.listed_words(listings.last_seen(session), now=now)
    found = [search.search_form(settings.exchanges, listed, analyst=analyst)] if settings.exchanges else []
    return [*found, *([page.import_form(settings.max_upload_mb)] if analyst else [])]


def _settings() -> Settings:
    settings: Settings = current_app.extensions["bolt_settings"]
    return settings


@wire(
    Output(ids.Markets.TABLE, "children"),
    Output(ids.Markets.SOURCES, "children"),
    Output(ids.Markets.IMPORTS, "children"),
    Output(ids.Markets.SERVING, "children"),
    Input(ids.Markets.TICK, "n_intervals"),
)
def draw_stored(_ticks: int | None) -> tuple[Any, Any, Any, Any]:
    """Series, sources, finished imports and who serves for whom: a handful of small queries."""
    now = utc_now()
    with db.engine.session() as session:
        lines = stored_lines(session, _settings().exchanges)
        found = [source_of(row) for row in sources.all_of_them(session)]
        demo = bool(db.queries.instance.get(session).demo_enabled)
        done = imported(session, current_user_id())
        serving = sources.stand_ins(session).values()
    return (
        page.stored_table(lines, analyst=may(Role.ANALYST), now=now),
        page.sources_pane(found, demo=demo, now=now),
        page.imports_pane(done, now=now),
        strips(serving, now=now),
    )


@wire(Output(ids.Markets.JOBS, "children"), Input(ids.Markets.TICK, "n_intervals"))
def draw_jobs(_ticks: int | None) -> Any:
    """Imports that run or failed, of this person (of everybody, for an admin)."""
    with db.engine.session() as session:
        return page.work_pane(work(session, current_user_id(), current_role(), now=utc_now()))


@wire(
    Output(ids.Markets.CHOSEN, "data"),
    Input({"type": ids.Markets.LINES, "index": ALL}, "n_clicks"),
    Input(ids.Markets.CLOSE, "n_clicks", allow_optional=True),
    prevent_initial_call=True,
)
def choose_lines(clicks: list[int | None], closed: int | None) -> str | None:
    """Which file's lines are shown; redrawn buttons come with no clicks and change nothing."""
    if ctx.triggered_id == ids.Markets.CLOSE:
        return None if closed else no_update
    if not any(clicks) or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    return str(ctx.triggered_id["index"])


@wire(Output(ids.Markets.REPORT, "children"), Input(ids.Markets.CHOSEN, "data"))
def draw_report(chosen: str | None) -> Any:
    """Every refused or overruled line of one file."""
    kind, _, key = (chosen or "").partition("/")
    with db.engine.session() as session:
        if kind == "job":
            job = jobs.visible(session, current_user_id(), current_role(), key)
            return page.report_pane(what(job), refused_lines(job.reason or ""), [])
        if kind == "import" and IMPORT_ID.fullmatch(key):
            row = imported_file(session, int(key))
            lines = (row.report.get(word, []) for word in ("refused", "replaced"))
            return page.report_pane(row.file_name, *([(int(n), str(why)) for n, why in some] for some in lines))
    return None


def stored_lines(session: Session, exchanges: tuple[str, ...]) -> list[Stored]:
    """All series, those of one market together."""
    counted, table = gaps.counts(session), markets.table(session)
    holes = holes_of(session, table)
    return [
        Stored(
            market_id=row.id,
            symbol=row.symbol,
            exchange=row.exchange,
            path=row.name.path,
            simulated=row.simulated,
            followed=row.followed,
            followable=row.exchange in exchanges and not row.simulated,
            timeframe=one.timeframe,
            rows=one.rows,
            first_ms=one.first_ms,
            last_ms=one.last_ms,
            gaps=one.gaps,
            missing=one.missing,
            flagged=one.flagged,
            updated_at=one.updated_at,
            step_ms=TIMEFRAMES[one.timeframe].ms,
            confirmed=counted.get((row.id, one.timeframe), (0, 0))[1],
            holes=tuple(holes.get((row.id, one.timeframe), [])),
        )
        for row in table
        for one in row.series.values()
    ]


def source_of(row: SourceHealth) -> Source:
    """How an exchange answered last, with its breaker; closed while Redis is away."""
    shared = SharedNumbers(core.job_queue.redis())
    state, wait = Breaker(shared, row.exchange).state()
    told = (row.exchange, row.state, row.detail, row.latency_ms, row.checked_at, row.answered_at)
    return Source(*told, row.since, row.wait_until, "closed" if shared.alone else state, wait)


def imported(session: Session, user_id: int) -> list[Imported]:
    """The latest finished imports; whose refused lines this person may download."""
    kept = {row.import_id: row.job_id for row in refusals.of_user(session, user_id)}
    return [_imported(session, row, download(kept.get(row.id))) for row in imports.latest(session, limit=LATEST)]


def download(job_id: str | None) -> str:
    """Where all refused lines of an import are."""
    return f"/markets/refused/{job_id}.csv" if job_id else ""


def _imported(session: Session, row: Import, link: str) -> Imported:
    market = markets.by_id(session, row.market_id)
    name = MarketName(market.exchange, market.symbol)
    lines = len(row.report.get("refused", [])) + len(row.report.get("replaced", []))
    summary = str(row.report.get("summary", ""))
    return Imported(
        f"import/{row.id}", row.file_name, f"{name} {row.timeframe}", name.path, summary, lines, row.created_at, link
    )


def imported_file(session: Session, import_id: int) -> Import:
    """One import; raises NotFound."""
    row = session.get(Import, import_id)
    if row is None:
        raise NotFound("This import is not there any more. The latest ones stand on the Markets page.")
    return row


def work(session: Session, user_id: int, role: str, *, now: datetime) -> list[Work]:
    """Imports that are not done, newest first; failed ones of the last hour, until the same is tried again."""
    found, tried, kept = [], set(), {row.job_id for row in refusals.of_user(session, user_id)}
    for job in jobs.latest(session, name=IMPORT_FILE.name, limit=20):
        mine = job.owner_id == user_id or covers(role, Role.ADMIN)
        old = job.finished_at is not None and (now - job.finished_at).total_seconds() > 3_600
        again = what(job) in tried
        tried.add(what(job))
        if not mine or old or again or job.state == JobState.SUCCEEDED:
            continue
        progress = job.progress or {}
        reason = (job.reason or "").partition("\n")[0]
        ended = job.state in (JobState.FAILED, JobState.CANCELLED)
        found.append(
            Work(
                key=f"job/{job.id}",
                what=what(job),
                state=job.state,
                fraction=float(progress.get("fraction", 0.0)),
                message=reason if ended else str(progress.get("message", "Waiting for a worker")),
                lines=tuple(refused_lines(job.reason or "")),
                download=download(job.id if job.id in kept else None),
            )
        )
    return found


def what(job: Job) -> str:
    """`binance:BTC/USDT 1h`, as the person wrote it."""
    return f"{job.args.get('exchange')}:{job.args.get('symbol')} {job.args.get('timeframe')}"


def refused_lines(reason: str) -> list[tuple[int, str]]:
    """The lines a failed import names in its reason."""
    matches = (LINE.fullmatch(line) for line in reason.splitlines()[1:])
    return [(int(found[1]), found[2]) for found in matches if found]
