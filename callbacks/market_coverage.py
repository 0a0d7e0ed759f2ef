"""Where the holes of stored series are: of followed ones as the table of gaps says, of others looked up once."""

from collections import OrderedDict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import to_ms
from core.timeframe import TIMEFRAMES
from db.queries import gaps
from db.queries.markets import MarketRow, SeriesRow
from db.tables import Gap

Holes = list[tuple[int, int]]

LOOKED_UP = 3  # series a request looks through; the others come with the next ones
KEPT = 500  # series whose holes are remembered
LARGEST = 3_000_000  # candles of a series that is looked through

_kept: OrderedDict[tuple[int, str, datetime], Holes] = OrderedDict()


def holes_of(session: Session, table: list[MarketRow]) -> dict[tuple[int, str], Holes]:
    """(from, to) in ms of every hole that is known, by market and timeframe; oldest first."""
    found: dict[tuple[int, str], Holes] = {}
    query = select(Gap.market_id, Gap.timeframe, Gap.first_missing, Gap.count).where(Gap.state != "filled")
    for market_id, timeframe, first, n in session.execute(query.order_by(Gap.first_missing)):
        start = to_ms(first)
        found.setdefault((market_id, timeframe), []).append((start, start + n * TIMEFRAMES[timeframe].ms))
    left = LOOKED_UP
    for row in table:
        for one in () if row.followed else row.series.values():
            if one.gaps and (row.id, one.timeframe) not in found:
                key = (row.id, one.timeframe, one.updated_at)
                if key not in _kept and left and one.rows <= LARGEST:
                    _remember(key, _look_up(session, row.id, one))
                    left -= 1
                found[row.id, one.timeframe] = _kept.get(key, [])
    return found


def _look_up(session: Session, market_id: int, one: SeriesRow) -> Holes:
    frame = TIMEFRAMES[one.timeframe]
    holes = gaps.holes(session, market_id, frame)
    return [(to_ms(first), to_ms(first) + n * frame.ms) for first, n in holes.items()]


def _remember(key: tuple[int, str, datetime], holes: Holes) -> None:
    _kept[key] = holes
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
