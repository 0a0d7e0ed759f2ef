"""P5: windows of a market with a million stored candles, beside one SQL aggregate over the same candles.

The peer answers the widest window with GROUP BY, as a desk without a pyramid does. Bolt's time is that of the slowest
of several windows, from the newest hours to the whole history; and the same windows of a market with 1,000 candles.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

import db.engine
import db.queries.candles as stored
import db.queries.markets as markets
import market.candles
from core import market_name
from core.timeframe import MINUTE_MS
from market.candles import Window
from tests.bench.table import Row
from tests.bench.timing import database, median_ms
from tests.candles import START_MS, walk

MANY, FEW = 1_000_000, 1_000
BARS = 1_000  # of a window, as many as the short market has
GROUPED = text("""
    SELECT date_bin(make_interval(mins => :minutes), open_time, 'epoch') AS bin,
           (array_agg(open ORDER BY open_time))[1], max(high), min(low),
           (array_agg(close ORDER BY open_time DESC))[1], sum(volume)
    FROM candles WHERE market_id = :market_id AND timeframe = '1m' GROUP BY bin ORDER BY bin
""")
SPANS = (BARS, 20_000, 150_000, MANY)  # minutes shown


def windows(session: Session, market_id: int, stored_rows: int) -> list[tuple[int, int]]:
    """(start, end) of what is shown: spans of several lengths, at the end and in the middle of the history."""
    end = START_MS + stored_rows * MINUTE_MS
    lengths = [min(span, stored_rows) * MINUTE_MS for span in SPANS]
    return [(at - length, at - MINUTE_MS) for length in lengths for at in (end, end - (end - START_MS - length) // 2)]


def slowest(session: Session, market_id: int, stored_rows: int) -> float:
    """Milliseconds of the slowest window."""

    def show(start: int, end: int) -> Window:
        return market.candles.window(session, market_id, "1m", start_ms=start, end_ms=end, max_bars=BARS)

    spans = windows(session, market_id, stored_rows)
    for start, end in spans:
        if not BARS / 3 < len(show(start, end).candles) <= BARS:
            raise AssertionError("a window holds too many bars, or too few")
    return max(median_ms(lambda span=span: show(*span), 15) for span in spans)


def run() -> list[Row]:
    with database(), db.engine.session() as session:
        ids = {}
        for rows in (FEW, MANY):
            ids[rows] = markets.get_or_create(session, market_name.parse(f"binance{rows}:BTC/USDT")).id
            stored.upsert(session, ids[rows], "1m", walk(rows, "1m"))
        session.execute(text("ANALYZE candles, coarse_candles"))
        session.execute(text("SET LOCAL work_mem = '256MB'"))  # the peer at its best
        values = {"minutes": MANY // BARS, "market_id": ids[MANY]}
        grouped = median_ms(lambda: session.execute(GROUPED, values).all(), 3)
        long, short = slowest(session, ids[MANY], MANY), slowest(session, ids[FEW], FEW)
    what = "slowest window of 1M candles"
    return [
        Row("P5", what, "SQL GROUP BY", grouped, long, "ms", 100),
        Row("P5", what, "the same of 1k candles", short, long, "ms", 2, "at most"),
    ]
