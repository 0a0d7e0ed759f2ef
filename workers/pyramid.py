"""The coarser candles of series that were stored before Bolt kept any. Later ones are kept with every candle."""

from typing import Any

from db.queries import coarse_candles
from workers.context import JobContext


def build_pyramid(context: JobContext) -> dict[str, Any]:
    """Build what is missing, one series and transaction after the other, the smallest first; a kill costs one."""
    with context.session() as session:
        wanted = coarse_candles.missing(session)
    total, done = sum(rows for _, _, rows in wanted), 0
    for number, (market_id, timeframe, rows) in enumerate(wanted):
        context.check_cancelled()
        context.progress(done / total, f"{number} of {len(wanted)} series")
        with context.session() as session:
            coarse_candles.build(session, market_id, timeframe)
        done += rows
    if wanted:
        with context.session() as session:
            coarse_candles.learn(session)
    return {"series": len(wanted), "candles": done}
