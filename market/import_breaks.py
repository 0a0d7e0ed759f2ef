"""Whether an imported file joins two coins under one name, in itself or with what is stored beside it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import db.queries.candles as stored_candles
from core.clock import from_ms, to_ms
from core.errors import Refused
from core.market_name import MarketName
from core.ohlcv import Candles
from db.queries import breaks
from db.tables import Candle
from market import series_breaks
from market.series_breaks import Break


class BrokenSeries(Refused):
    """A file after which the series would hold two coins, most likely."""


def judge(
    session: Session,
    market_id: int,
    timeframe: str,
    candles: Candles,
    name: MarketName,
    *,
    one_coin: bool,
    now: datetime,
) -> None:
    """Look at the series as it is with the file's candles (sorted, at least one) stored in this transaction.

    Raises BrokenSeries for a break that touches one of them, unless somebody said that it is one coin: before, on the
    Data quality page, or now with `one_coin`, which is written down.
    """
    first, last = int(candles.time[0]), int(candles.time[-1])
    before = stored_candles.read(session, market_id, timeframe, end_ms=first - 1, limit=1)
    inside = stored_candles.read(session, market_id, timeframe, start_ms=first, end_ms=last)
    joined = ohlcv.join([before, inside, _after(session, market_id, timeframe, last)])
    said = {to_ms(at) for at in breaks.joined(session, market_id, timeframe)}
    ours = set(candles.time.tolist())
    found = [
        one
        for one in series_breaks.find(joined)
        if one.new_first not in said and (one.old_last in ours or one.new_first in ours)
    ]
    if not found:
        return
    if not one_coin:
        raise BrokenSeries(_sentence(name, timeframe, found[0]))
    for one in found:
        breaks.note(
            session,
            market_id,
            timeframe,
            old_last=from_ms(one.old_last),
            new_first=from_ms(one.new_first),
            old_close=one.old_close,
            new_open=one.new_open,
            state="joined",
            now=now,
        )


def _after(session: Session, market_id: int, timeframe: str, last: int) -> Candles:
    """The first stored candle behind the file, if any."""
    found = select(Candle).filter_by(market_id=market_id, timeframe=timeframe)
    row = session.scalar(found.where(Candle.open_time > from_ms(last)).order_by(Candle.open_time).limit(1))
    if row is None:
        return ohlcv.empty()
    return ohlcv.from_rows([[to_ms(row.open_time), row.open, row.high, row.low, row.close, row.volume]])


def _sentence(name: MarketName, timeframe: str, one: Break) -> str:
    old, new = from_ms(one.old_last), from_ms(one.new_first)
    return (
        f"{name} {timeframe} would break: {one.old_close:g} until {old:%Y-%m-%d}, then nothing, then {one.new_open:g} "
        f"from {new:%Y-%m-%d}. Most likely these are two coins. Nothing was stored. Import each under a name of its "
        "own, such as "
        f"{name.base}.{old.year}/{name.quote}, or say that it is one coin."
    )
