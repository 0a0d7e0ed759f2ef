"""Holes of followed series: seen, asked for again, then filled or confirmed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, case, func, or_, select, text, update
from sqlalchemy.orm import Session

from core.timeframe import Timeframe
from db.tables import Gap, Market

ANSWERS = 3  # agreeing ones confirm a hole
APART = timedelta(seconds=30)  # between two of them
OLD, SELDOM = timedelta(hours=1), timedelta(minutes=10)  # one that is not answered for so long is asked for so often
HOLES = text(
    """
    SELECT open_time, next FROM (
        SELECT open_time, lead(open_time) OVER (ORDER BY open_time) AS next FROM candles
        WHERE market_id = :market_id AND timeframe = :timeframe
    ) AS neighbours
    WHERE next - open_time > make_interval(secs => :seconds)
    ORDER BY open_time
    """
)


@dataclass(frozen=True, slots=True)
class GapRow:
    """A hole with the market it is in."""

    market: Market
    gap: Gap


def holes(session: Session, market_id: int, frame: Timeframe) -> dict[datetime, int]:
    """What is missing inside a stored series: {open time of the first missing candle: how many}."""
    step = timedelta(milliseconds=frame.ms)
    named = {"market_id": market_id, "timeframe": frame.name, "seconds": frame.ms / 1_000}
    rows = session.execute(HOLES, named)
    return {before + step: int((after - before) / step) - 1 for before, after in rows}


def note(session: Session, market_id: int, timeframe: str, found: dict[datetime, int], *, now: datetime) -> None:
    """Bring the table up to date with the holes there are: new and changed ones open, vanished ones filled."""
    query = select(Gap).where(Gap.market_id == market_id, Gap.timeframe == timeframe)
    known = {gap.first_missing: gap for gap in session.scalars(query.with_for_update())}
    for first, gap in known.items():
        if first not in found and gap.state != "filled":
            gap.state, gap.ended_at = "filled", now
    for first, count in found.items():
        if first not in known:
            session.add(Gap(market_id=market_id, timeframe=timeframe, first_missing=first, count=count, seen_at=now))
            continue
        gap = known[first]
        if gap.state == "filled" or gap.count != count:
            gap.count, gap.answers, gap.state, gap.asked_at, gap.ended_at = count, 0, "open", None, None
            gap.seen_at = now
    session.flush()


def due(session: Session, *, now: datetime, limit: int) -> list[GapRow]:
    """Open holes of followed markets that may be asked for now, longest unasked first."""
    lively = or_(Gap.answers > 0, Gap.seen_at > now - OLD)
    query = (
        select(Market, Gap)
        .join(Market, Market.id == Gap.market_id)
        .where(Gap.state == "open", Market.followed)
        .where(or_(Gap.asked_at.is_(None), Gap.asked_at <= now - SELDOM, and_(Gap.asked_at <= now - APART, lively)))
        .order_by(Gap.asked_at.asc().nulls_first(), Gap.seen_at, Gap.first_missing)
        .limit(limit)
    )
    return [GapRow(market, gap) for market, gap in session.execute(query)]


def answered(session: Session, gap: Gap, *, now: datetime) -> None:
    """The exchange answered and had nothing there; the third such answer confirms the hole."""
    sure = Gap.answers + 1 >= ANSWERS
    values = {
        "answers": Gap.answers + 1,
        "asked_at": now,
        "state": case((sure, "confirmed"), else_="open"),
        "ended_at": case((sure, now), else_=None),
    }
    mine = (Gap.market_id == gap.market_id, Gap.timeframe == gap.timeframe, Gap.first_missing == gap.first_missing)
    apart = or_(Gap.asked_at.is_(None), Gap.asked_at <= now - APART)
    session.execute(update(Gap).where(*mine, Gap.state == "open", Gap.count == gap.count, apart).values(values))


def asked(session: Session, rows: list[Gap], *, now: datetime) -> None:
    """The exchange was asked, and what it said confirms nothing; the next one is asked for first."""
    for gap in rows:
        mine = (Gap.market_id == gap.market_id, Gap.timeframe == gap.timeframe, Gap.first_missing == gap.first_missing)
        session.execute(update(Gap).where(*mine, Gap.state == "open").values(asked_at=now))


def latest(session: Session, *, limit: int = 200) -> list[GapRow]:
    """Holes that are open, then confirmed ones, then those filled since, each newest first."""
    rank = case((Gap.state == "open", 0), (Gap.state == "confirmed", 1), else_=2)
    query = select(Market, Gap).join(Market, Market.id == Gap.market_id)
    query = query.order_by(rank, Gap.seen_at.desc(), Gap.first_missing.desc()).limit(limit)
    return [GapRow(market, gap) for market, gap in session.execute(query)]


def of_series(session: Session, market_id: int, timeframe: str) -> list[Gap]:
    """Every hole of one series that was written down, oldest first."""
    query = select(Gap).where(Gap.market_id == market_id, Gap.timeframe == timeframe).order_by(Gap.first_missing)
    return list(session.scalars(query))


def counts(session: Session) -> dict[tuple[int, str], tuple[int, int]]:
    """{(market id, timeframe): (open holes, confirmed holes)} of every series that has any."""
    still, sure = (func.count().filter(Gap.state == state) for state in ("open", "confirmed"))
    query = select(Gap.market_id, Gap.timeframe, still, sure).where(Gap.state != "filled")
    rows = session.execute(query.group_by(Gap.market_id, Gap.timeframe))
    return {(market_id, timeframe): (a, b) for market_id, timeframe, a, b in rows}
