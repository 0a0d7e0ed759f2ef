"""What a watch-list shows of its markets, read for all of them at once: never a query a market."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.clock import from_ms, to_ms
from core.ohlcv import Floats, Times
from core.timeframe import TIMEFRAMES
from db.tables import Market, Series

# Times and prices come as bytes, which NumPy reads as they are.
LINES = text(
    """
    SELECT w.market_id, string_agg(
        timestamptz_send(c.open_time) || float8send(c.close) || float8send(c.volume), ''::bytea
    )
    FROM unnest(cast(:ids AS int[]), cast(:frames AS text[]), cast(:starts AS timestamptz[]))
         AS w(market_id, timeframe, start),
         LATERAL (
             SELECT open_time, close, volume FROM candles
             WHERE candles.market_id = w.market_id AND candles.timeframe = w.timeframe AND open_time >= w.start
         ) AS c
    GROUP BY w.market_id
    """
)
CLOSES = text(
    """
    SELECT w.k, c.open_time, c.close
    FROM unnest(cast(:ks AS int[]), cast(:ids AS int[]), cast(:frames AS text[]), cast(:latest AS timestamptz[]),
                cast(:earliest AS timestamptz[])) AS w(k, market_id, timeframe, latest, earliest),
         LATERAL (
             SELECT open_time, close FROM candles
             WHERE candles.market_id = w.market_id AND candles.timeframe = w.timeframe
               AND open_time BETWEEN w.earliest AND w.latest
             ORDER BY open_time DESC LIMIT 1
         ) AS c
    """
)
EPOCH_2000_MS = 946_684_800_000  # PostgreSQL counts from 2000-01-01
ROW = np.dtype([("time", ">i8"), ("close", ">f8"), ("volume", ">f8")])


@dataclass(frozen=True, slots=True)
class Wanted:
    """The newest candle of a series that opened between `earliest` and `latest`, ms UTC."""

    market_id: int
    timeframe: str
    latest: int
    earliest: int


def markets_of(session: Session, market_ids: Sequence[int]) -> dict[int, Market]:
    """The markets that are there, in the order asked for."""
    found = {m.id: m for m in session.scalars(select(Market).where(Market.id.in_(market_ids)))}
    return {one: found[one] for one in market_ids if one in found}


def spans(session: Session, market_ids: Sequence[int]) -> dict[int, dict[str, tuple[int, int]]]:
    """When the first and the newest stored candle of each timeframe closed, ms UTC, by market and timeframe."""
    query = select(Series.market_id, Series.timeframe, Series.first_open, Series.last_open)
    query = query.where(Series.market_id.in_(market_ids), Series.rows > 0)
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for market_id, timeframe, first, last in session.execute(query):
        step = TIMEFRAMES[timeframe].ms
        if first is not None and last is not None:
            found.setdefault(market_id, {})[timeframe] = (to_ms(first) + step, to_ms(last) + step)
    return found


def lines(session: Session, wanted: Mapping[int, tuple[str, int]]) -> dict[int, tuple[Times, Floats, Floats]]:
    """Open times, closes and volumes of {market id: (timeframe, from when in ms UTC)}, oldest first."""
    values = {
        "ids": list(wanted),
        "frames": [timeframe for timeframe, _ in wanted.values()],
        "starts": [from_ms(start) for _, start in wanted.values()],
    }
    found: dict[int, tuple[Times, Floats, Floats]] = {}
    for market_id, packed in session.execute(LINES, values):
        rows = np.frombuffer(bytes(packed), dtype=ROW)
        rows = rows[np.argsort(rows["time"], kind="stable")]
        time = rows["time"].astype(np.int64) // 1_000 + EPOCH_2000_MS
        found[market_id] = time, rows["close"].astype(np.float64), rows["volume"].astype(np.float64)
    return found


def closes(session: Session, wanted: Sequence[Wanted]) -> list[tuple[int, float] | None]:
    """(open time in ms, close) of the candle each one asks for, None where there is none; in their order."""
    values = {
        "ks": list(range(len(wanted))),
        "ids": [one.market_id for one in wanted],
        "frames": [one.timeframe for one in wanted],
        "latest": [from_ms(one.latest) for one in wanted],
        "earliest": [from_ms(one.earliest) for one in wanted],
    }
    found: list[tuple[int, float] | None] = [None] * len(wanted)
    for k, at, close in session.execute(CLOSES, values):
        found[k] = (to_ms(at), float(close))
    return found
