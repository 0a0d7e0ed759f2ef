"""Where stored candles came from: written with them, in the same transaction, and read of one candle.

A source that goes on where it was adds to its row for an hour, so a steady series makes at most one row an hour and
source; a file makes one row, or a few where the series held candles already.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.clock import from_ms
from core.ohlcv import Times
from core.timeframe import Timeframe
from db.tables import CandleDelivery

Source = Literal["import", "history", "top_up", "stream", "repair"]

MOST_RUNS = 20  # of one delivery that are told apart; more are one row, marked as scattered
DETAIL_LENGTH = 200
GO_ON = text("""
    UPDATE candle_deliveries
    SET first_open = least(first_open, :first), last_open = greatest(last_open, :last), candles = candles + :n,
        answered_at = greatest(answered_at, :answered_at), stored_until = clock_timestamp()
    WHERE id = (
        SELECT max(id) FROM candle_deliveries
        WHERE market_id = :market_id AND timeframe = :timeframe AND source = :source AND detail = :detail
          AND stored_at > clock_timestamp() - interval '1 hour' AND NOT scattered
    ) AND (last_open = :before OR first_open = :after)
""")
BEGIN = text("""
    INSERT INTO candle_deliveries (market_id, timeframe, first_open, last_open, candles, scattered, source, detail,
                                   answered_at, stored_at, stored_until)
    SELECT :market_id, :timeframe, :first, :last, :n, :scattered, :source, :detail, :answered_at, now.now, now.now
    FROM (SELECT clock_timestamp()) AS now (now)
""")


@dataclass(frozen=True, slots=True)
class Origin:
    """How candles came: `detail` is a file's name, `answered_at` when an exchange told the last of them."""

    source: Source
    detail: str = ""
    answered_at: datetime | None = None


def note(
    session: Session, market_id: int, frame: Timeframe, time: Times, new: npt.NDArray[np.bool_], origin: Origin
) -> None:
    """Write down of which candles (open times in ms, sorted; `new` of the same length marks them) this is the origin.

    The caller holds the row of their series, so nobody else writes here.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], new, [False])).astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    scattered = len(runs) > MOST_RUNS
    for begin, end in [(runs[0][0], runs[-1][1])] if scattered else runs:
        first, last = int(time[begin]), int(time[end - 1])
        values = {
            "market_id": market_id,
            "timeframe": frame.name,
            "first": from_ms(first),
            "last": from_ms(last),
            "n": int(np.count_nonzero(new[begin:end])),
            "source": origin.source,
            "detail": origin.detail[:DETAIL_LENGTH],
            "answered_at": origin.answered_at,
        }
        beside = {"before": from_ms(first - frame.ms), "after": from_ms(last + frame.ms)}
        if scattered or not session.execute(GO_ON, {**values, **beside}).rowcount:  # type: ignore[attr-defined]
            session.execute(BEGIN, {**values, "scattered": scattered})


def of_candle(session: Session, market_id: int, timeframe: str, open_time: datetime) -> CandleDelivery | None:
    """The delivery that brought a candle as it stands now; None where none was written down."""
    found = select(CandleDelivery).filter_by(market_id=market_id, timeframe=timeframe)
    found = found.where(CandleDelivery.first_open <= open_time, CandleDelivery.last_open >= open_time)
    return session.scalar(found.order_by(CandleDelivery.id.desc()).limit(1))
