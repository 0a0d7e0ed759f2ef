"""The Data quality page: what is missing, refused, changed or late."""

from datetime import datetime
from typing import Any

from dash import Input, Output
from sqlalchemy.orm import Session

import core.job_queue
import db.engine
import db.queries.breaks as breaks
import db.queries.gaps as gaps
import db.queries.imports as imports
import db.queries.markets as markets
import db.queries.refusals as refusals
import db.queries.refused_rows as refused_rows
import db.queries.revisions as revisions
import db.queries.sources as sources
from callbacks.guards import current_user_id
from callbacks.wiring import Wiring
from core import clock_offsets
from core.clock import from_ms, to_ms, utc_now
from core.market_name import MarketName
from core.shared import SharedNumbers
from core.timeframe import TIMEFRAMES
from db.tables import Market, SourceHealth
from layouts import ids
from layouts.components.numbers import ago, count
from layouts.components.venues import venue
from layouts.pages import data_quality as page
from layouts.pages.data_quality import Hole, Late, Refused, RefusedOfSource, Revision
from market.quality import SENTENCES, Reason

LISTED = 100  # rows of each table at most
AROUND = 100  # candles shown on each side of a place in the chart
LATE_AFTER = 2  # intervals without a new candle
SOURCES = {"request": "REST", "stream": "Stream"}

wire = Wiring()


@wire(
    Output(ids.DataQuality.HEADLINE, "children"),
    Output(ids.DataQuality.GAPS, "children"),
    Output(ids.DataQuality.REVISIONS, "children"),
    Output(ids.DataQuality.REFUSED, "children"),
    Output(ids.DataQuality.LATENCY, "children"),
    Input(ids.DataQuality.TICK, "n_intervals"),
)
def draw_quality(_ticks: int | None) -> tuple[Any, Any, Any, Any, Any]:
    """Everything on the page, in a handful of small queries."""
    now = utc_now()
    with db.engine.session() as session:
        found = holes(session)
        counted = gaps.counts(session).values()
        changed = revised(session)
        files, told = refused(session, current_user_id()), refused_by_sources(session)
        clocks = clock_offsets.read(SharedNumbers(core.job_queue.redis()))
        answers = [source(row, now=now, clock=clocks.get(row.exchange)) for row in sources.all_of_them(session)]
        newest = lateness(session, now=now)
        paused = breaks.count_paused(session)
    still, sure = sum(a for a, _ in counted), sum(b for _, b in counted)
    return (
        page.summary(still, sure, sum(one.kind == "warn" for one in newest), paused),
        page.gaps_pane(found, now=now),
        page.revisions_pane(changed, now=now),
        page.refused_pane(files, told, now=now),
        page.latency_pane(answers, newest),
    )


def holes(session: Session) -> list[Hole]:
    """Open holes, then confirmed and filled ones."""
    found = []
    for row in gaps.latest(session, limit=LISTED):
        gap, market = row.gap, row.market
        found.append(
            Hole(
                symbol=market.symbol,
                exchange=market.exchange,
                timeframe=gap.timeframe,
                href=chart_at(market, gap.timeframe, gap.first_missing, gap.count),
                first=gap.first_missing,
                count=gap.count,
                state=gap.state,
                answers=gap.answers,
                seen_at=gap.seen_at,
                asked_at=gap.asked_at,
            )
        )
    return found


def revised(session: Session) -> list[Revision]:
    """The newest revisions."""
    found = []
    for row in revisions.latest(session, limit=LISTED):
        market = markets.by_id(session, row.market_id)
        found.append(
            Revision(
                symbol=market.symbol,
                exchange=market.exchange,
                timeframe=row.timeframe,
                href=chart_at(market, row.timeframe, row.open_time, 1),
                open_time=row.open_time,
                old=row.old_close,
                new=row.new_close,
                decimals=market.price_decimals,
                at=row.at,
            )
        )
    return found


def refused(session: Session, user_id: int) -> list[Refused]:
    """Files with rows that were refused or overruled, and those of this person that were not imported, newest first."""
    found = []
    for failed, (line, why) in refusals.of_failed_imports(session, user_id=user_id, limit=LISTED):
        reason = f"line {line}: {why}"
        found.append(Refused("Not imported", failed.file_name, failed.count, 0, reason, failed.created_at))
    for row in imports.latest(session, limit=LISTED):
        bad, replaced = (row.report.get(word, []) for word in ("refused", "replaced"))
        if row.refused or replaced:
            market = markets.by_id(session, row.market_id)
            what = f"{MarketName(market.exchange, market.symbol)} {row.timeframe}"
            reason = f"line {bad[0][0]}: {bad[0][1]}" if bad else ""
            found.append(Refused(what, row.file_name, row.refused, len(replaced), reason, row.created_at))
    return sorted(found, key=lambda one: one.at, reverse=True)[:LISTED]


def refused_by_sources(session: Session) -> list[RefusedOfSource]:
    """What exchanges told and Bolt did not store, the newest first."""
    found = []
    for one in refused_rows.latest(session, limit=LISTED):
        market, row = one.market, one.row
        found.append(
            RefusedOfSource(
                symbol=market.symbol,
                exchange=market.exchange,
                timeframe=row.timeframe,
                href=f"/charts/{MarketName(market.exchange, market.symbol).path}?tf={row.timeframe}",
                source=SOURCES[row.source],
                reason=SENTENCES[Reason(row.reason)],
                n=row.n,
                last_at=row.last_at,
            )
        )
    return found


def source(row: SourceHealth, *, now: datetime, clock: float | None = None) -> Late:
    """How an exchange answered last. `clock`: seconds by which its clock is ahead of ours, where it is known."""
    if row.state == "ok":
        words = "answers" if row.latency_ms is None else f"answers in {count(row.latency_ms)} ms"
        if clock is not None and clock_offsets.is_wrong(clock):
            return Late(venue(row.exchange), f"{words}, {clock_offsets.words(clock)}", "warn")
        return Late(venue(row.exchange), words, "ok")
    last = f"last answered {ago(row.answered_at, now=now)}" if row.answered_at else "never answered"
    if row.state == "waiting" and row.wait_until:
        if row.alerted_until and row.alerted_until > now:
            return Late(venue(row.exchange), f"bans this address until {row.wait_until:%H:%M:%S}", "bad")
        return Late(venue(row.exchange), f"asked to wait until {row.wait_until:%H:%M:%S}", "warn")
    words = "refuses this address" if row.state == "blocked" else "silent"
    return Late(venue(row.exchange), f"{words}, {last}", "bad")


def lateness(session: Session, *, now: datetime) -> list[Late]:
    """Followed series by how late their newest candle is, latest first."""
    found: list[tuple[float, Late]] = []
    for row in markets.table(session):
        for one in row.series.values() if row.followed else ():
            step = TIMEFRAMES[one.timeframe].ms
            late = to_ms(now) - (one.last_ms + step)
            kind = "warn" if late > LATE_AFTER * step else "sim" if row.simulated else "ok"
            name = f"{row.symbol} {one.timeframe} {row.exchange}"
            found.append((late / step, Late(name, page.late_words(late / 1_000), kind)))  # type: ignore[arg-type]
    return [late for _, late in sorted(found, key=lambda pair: -pair[0])]


def chart_at(market: Market, timeframe: str, first: datetime, n: int) -> str:
    """The address of the chart around `n` candles from `first` on."""
    step, start = TIMEFRAMES[timeframe].ms, to_ms(first)
    edges = (from_ms(start - AROUND * step), from_ms(start + (n + AROUND) * step))
    begin, end = (f"{edge:%Y-%m-%dT%H:%M}" for edge in edges)
    return f"/charts/{MarketName(market.exchange, market.symbol).path}?tf={timeframe}&from={begin}&to={end}"
