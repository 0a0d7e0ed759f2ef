"""The past of followed markets: holes are asked for again, and what is older is fetched page by page.

One short run every few seconds, so that no long fetch keeps the newest candles waiting. What was done stands in
`gaps` and `series.asked_back_to`: a run that was killed is gone on from.
"""

import logging
import time
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.clock import from_ms, to_ms, utc_now
from core.errors import ExchangeUnavailable
from core.jobs import BACKFILL
from core.settings import Settings
from core.timeframe import MINUTE_MS, TIMEFRAMES, Timeframe
from db.queries import gaps, jobs, markets
from db.queries.deliveries import Origin
from db.queries.gaps import GapRow
from db.tables import Market, Series
from market import again, doubts, ingest
from market.gateway import ExchangeGateway
from workers.context import DEMO, JobContext

DAY_MS = 1_440 * MINUTE_MS
ORIGIN_MS = 1_262_304_000_000  # 2010-01-01: before it no exchange had candles
LONGEST_HOLE = 25_000  # candles; a longer one is fetched as the past is, page by page from its end on
HOLES_A_RUN = 2_000
WICKS_A_RUN = 20
TOGETHER = 1_000
PAGES_A_STEP = 5
RUN_S = 8.0  # of a run; the newest candles wait no longer

log = logging.getLogger(__name__)


def depth_ms(settings: Settings, timeframe: str, now_ms: int) -> int:
    """How far back (ms UTC) a followed timeframe is fetched: by settings below 1h, to the beginning from there on."""
    days = {"1m": settings.backfill_days_1m, "5m": settings.backfill_days_5m, "15m": settings.backfill_days_5m}
    return now_ms - days[timeframe] * DAY_MS if timeframe in days else ORIGIN_MS


def mend_history(context: JobContext) -> dict[str, Any]:
    """Ask for holes again, then go on with the past of series, for a few seconds."""
    until = time.monotonic() + RUN_S
    failed: dict[str, str] = {}
    note_holes(context)
    mended = repair(context, until, failed)
    ask_for_wicks(context, until, failed)
    with context.session() as session:
        busy = jobs.waits(session, BACKFILL)  # the newest candles of markets that have none go first
    stored = 0 if busy else deepen(context, until, failed)
    return {"asked_again": mended, "stored": stored, "failed": failed}


def note_holes(context: JobContext) -> None:
    """Write down the holes of every followed series that has some, or had."""
    now = utc_now()
    with context.session() as session:
        known = gaps.counts(session)
        for market in markets.followed(session):
            for name, row in markets.series_of(session, market.id).items():
                if row.gaps or (market.id, name) in known:
                    gaps.note(session, market.id, name, gaps.holes(session, market.id, TIMEFRAMES[name]), now=now)


def repair(context: JobContext, until: float, failed: dict[str, str]) -> int:
    """Ask for open holes again; returns for how many. What fails waits for the next run."""
    now = utc_now()
    with context.session() as session:
        wanted = gaps.due(session, now=now, limit=HOLES_A_RUN)
    long = [row for row in wanted if row.gap.count > LONGEST_HOLE]
    go_back_for(context, long, now)
    asked = len(long)
    for group in neighbours([row for row in wanted if row.gap.count <= LONGEST_HOLE]):
        if time.monotonic() > until:
            break
        exchange = group[0].market.exchange
        if exchange in failed or _name(group[0].market, _frame(group[0])) in failed:
            continue
        try:
            _ask_again(context, context.gateway(exchange), group)
            asked += len(group)
        except ingest.OF_ONE_MARKET as error:
            failed[_name(group[0].market, _frame(group[0]))] = error.sentence
            with context.session() as session:
                gaps.asked(session, [row.gap for row in group], now=now)
        except ExchangeUnavailable as error:
            failed[exchange] = error.sentence
    return asked


def go_back_for(context: JobContext, rows: list[GapRow], now: datetime) -> None:
    """Let `deepen` go on from the end of holes that are too long to ask for at once, as far as a series goes back.

    A hole it has been through that is as it was counts as answered for; where only a part lies within the depth of
    the series, it stays open.
    """
    with context.session() as session:
        for row in rows:
            market, frame, first = row.market, _frame(row), to_ms(row.gap.first_missing)
            deepest = depth_ms(context.settings, frame.name, to_ms(now))
            series = session.get(Series, (market.id, frame.name), with_for_update=True)
            reached = to_ms(series.asked_back_to) if series and series.asked_back_to else None
            through = reached is not None and reached < max(first + frame.ms, deepest + frame.ms)
            if series and through and row.gap.asked_at and first >= deepest:
                gaps.answered(session, row.gap, now=now)
            else:
                gaps.asked(session, [row.gap], now=now)
            if series and through and _end_ms(row) > deepest:
                series.asked_back_to = from_ms(_end_ms(row))


def neighbours(rows: list[GapRow]) -> list[list[GapRow]]:
    """Holes of one series within TOGETHER candles, which a page or a few can answer; in the order of their first."""
    groups: list[list[GapRow]] = []
    for row in sorted(rows, key=lambda one: (one.market.id, one.gap.timeframe, one.gap.first_missing)):
        last = groups[-1] if groups else None
        same = last and (last[0].market.id, last[0].gap.timeframe) == (row.market.id, row.gap.timeframe)
        if last and same and _end_ms(row) - to_ms(last[0].gap.first_missing) <= TOGETHER * _frame(row).ms:
            last.append(row)
        else:
            groups.append([row])
    return groups


def _name(market: Market, frame: Timeframe) -> str:
    return f"{market.exchange}:{market.symbol} {frame.name}"


def _frame(row: GapRow) -> Timeframe:
    return TIMEFRAMES[row.gap.timeframe]


def _end_ms(row: GapRow) -> int:
    return to_ms(row.gap.first_missing) + row.gap.count * _frame(row).ms


def _ask_again(context: JobContext, gateway: ExchangeGateway, group: list[GapRow]) -> None:
    """Fetch the span of some holes of a series. An answer that leaves one as it was counts towards confirming it."""
    market, frame, now = group[0].market, _frame(group[0]), utc_now()
    fetched = ingest.fetch_span(
        gateway,
        context.session,
        market,
        frame.name,
        to_ms(group[0].gap.first_missing),
        max(_end_ms(row) for row in group),
        now=now,
        via="repair",
        check_cancelled=context.check_cancelled,
    )
    if fetched.asked and not fetched.came and not fetched.left_out:
        ingest.prove(gateway, context.session, market, frame)
    with context.session() as session:
        found = gaps.holes(session, market.id, frame)
        if fetched.stored:
            gaps.note(session, market.id, frame.name, found, now=now)
            log.info("holes_filled", extra={"market_id": market.id, "timeframe": frame.name, "n": fetched.stored})
        if fetched.left_out:  # not all was answered, or believed: that says nothing of what is missing
            gaps.asked(session, [row.gap for row in group], now=now)
            return
        for row in group:
            if fetched.asked and found.get(row.gap.first_missing) == row.gap.count:
                gaps.answered(session, row.gap, now=now)


def ask_for_wicks(context: JobContext, until: float, failed: dict[str, str]) -> None:
    """Ask again for candles with a huge wick that were stored some minutes ago; what differs now is a revision."""
    shared = doubts.remembered()
    for question in again.due(shared, limit=WICKS_A_RUN):
        market_id, name, opened = question
        with context.session() as session:
            market = session.get(Market, market_id)
        if market is None or not market.followed:
            continue
        if time.monotonic() > until or market.exchange in failed:
            again.put_back(shared, question)
            continue
        try:
            told = context.gateway(market.exchange).candles(market.symbol, name, since_ms=opened, limit=1)
        except ingest.OF_ONE_MARKET as error:
            failed[_name(market, TIMEFRAMES[name])] = error.sentence
            again.put_back(shared, question)
        except ExchangeUnavailable as error:
            failed[market.exchange] = error.sentence
            again.put_back(shared, question)
        else:
            sure = doubts.believed(market_id, TIMEFRAMES[name], told[told.time == opened])
            ingest.store(context.session, market_id, TIMEFRAMES[name], sure, Origin("repair", answered_at=utc_now()))


def deepen(context: JobContext, until: float, failed: dict[str, str]) -> int:
    """Go on with the past of every series that is not whole yet, a few pages each, least deep first."""
    stored = 0
    while time.monotonic() < until:
        steps = [
            step
            for step in _shallow(context)
            if step[0].exchange not in failed and _name(step[0], step[1]) not in failed
        ]
        if not steps:
            break
        for market, frame, reached in steps:
            if time.monotonic() > until:
                break
            try:
                stored += _go_back(context, market, frame, reached)
            except ingest.OF_ONE_MARKET as error:
                failed[_name(market, frame)] = error.sentence
            except ExchangeUnavailable as error:
                failed[market.exchange] = error.sentence
                break
    return stored


def _shallow(context: JobContext) -> list[tuple[Market, Timeframe, int]]:
    """(market, timeframe, open time in ms that was reached) of followed series whose past is not fetched yet."""
    query = select(Market, Series).join(Series, Series.market_id == Market.id)
    query = query.where(Market.followed, Market.exchange != DEMO, Series.rows > 0)
    now_ms, found = to_ms(utc_now()), []
    with context.session() as session:
        for market, series in session.execute(query):
            edge = series.asked_back_to or series.last_open  # from the newest on: an import may lie before a hole
            frame, reached = TIMEFRAMES[series.timeframe], to_ms(edge or from_ms(now_ms))
            if frame.name not in markets.timeframes_of(market):
                continue
            if reached >= depth_ms(context.settings, frame.name, now_ms) + frame.ms:
                found.append((market, frame, reached))
    return sorted(found, key=lambda step: (now_ms - step[2]) // step[1].ms)


def _go_back(context: JobContext, market: Market, frame: Timeframe, reached: int) -> int:
    """Fetch the pages before `reached`, newest first; where an exchange has none any more, the past ends."""
    gateway, now = context.gateway(market.exchange), utc_now()
    deepest = depth_ms(context.settings, frame.name, to_ms(now))
    start = max(deepest, reached - PAGES_A_STEP * gateway.page(frame.name) * frame.ms)
    fetched = ingest.fetch_span(
        gateway,
        context.session,
        market,
        frame.name,
        start,
        reached,
        now=now,
        newest_first=True,
        check_cancelled=context.check_cancelled,
    )
    _note_reached(context, market.id, frame.name, from_ms(ORIGIN_MS if fetched.ended else start))
    return fetched.stored


def _note_reached(context: JobContext, market_id: int, timeframe: str, reached: datetime) -> None:
    with context.session() as session:
        series = session.get(Series, (market_id, timeframe), with_for_update=True)
        if series is not None:
            series.asked_back_to = reached
