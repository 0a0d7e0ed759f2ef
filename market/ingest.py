"""Fetching a span of candles page by page. Each page is its own transaction, so that a kill costs one page at most."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import core.timeframe as timeframes
from core.clock import to_ms
from core.ohlcv import Candles
from core.timeframe import Timeframe
from db.queries import candles as stored_candles
from db.queries import markets
from db.queries.candles import Stored
from db.tables import Market
from market import quality
from market.gateway import ExchangeGateway

EMPTY_PAGES = 3  # going back, so many pages without a candle mean that the market did not exist yet
AROUND = quality.NEIGHBOURHOOD - 1  # stored candles looked at to judge the wicks of new ones

Sessions = Callable[[], AbstractContextManager[Session]]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a span: new candles, ones that replaced other values, pages asked for and pages there already."""

    stored: int = 0
    changed: int = 0
    asked: int = 0
    skipped: int = 0


def fetch_span(
    gateway: ExchangeGateway,
    sessions: Sessions,
    market: Market,
    timeframe: str,
    start_ms: int,
    end_ms: int,
    *,
    now: datetime,
    newest_first: bool = False,
    progress: Progress = lambda _fraction: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Fetched:
    """Store the closed candles that open in [start_ms, end_ms); pages that are stored whole are not asked for again.

    Run again after a kill, it goes on where it was. With `newest_first` it ends where the market's history begins.
    Raises what the gateway raises; the pages before are kept.
    """
    frame = timeframes.parse(timeframe)
    end = min(frame.floor(end_ms + frame.ms - 1), frame.last_closed(to_ms(now)) + frame.ms)
    pages = _pages(frame, frame.floor(start_ms + frame.ms - 1), end, gateway.page(timeframe) * frame.ms)
    if newest_first:
        pages.reverse()
    stored = changed = asked = skipped = empty = 0
    for number, (first, after) in enumerate(pages):
        check_cancelled()
        if _whole(sessions, market.id, frame, first, after):
            skipped += 1
            continue
        page = _fetch(gateway, market.symbol, frame, first, after)
        asked += 1
        written = store(sessions, market.id, frame, page)
        stored, changed = stored + written.stored, changed + written.changed
        empty = 0 if len(page) else empty + 1
        if newest_first and empty == EMPTY_PAGES:
            break
        progress((number + 1) / len(pages))
    return Fetched(stored, changed, asked, skipped)


def store(sessions: Sessions, market_id: int, frame: Timeframe, page: Candles) -> Stored:
    """Store candles with flags for huge wicks, which the candles around them decide; one transaction.

    The candle before the page is judged again: until now it had no right neighbour. A stored candle that came back
    different leaves a row in candle_revisions.
    """
    if not len(page):
        return Stored(0, 0, 0)
    first, last = int(page.time[0]), int(page.time[-1])
    reach = AROUND * frame.ms
    with sessions() as session:
        around = stored_candles.read(session, market_id, frame.name, start_ms=first - reach, end_ms=last + reach)
        outside = around[(around.time < first) | (around.time > last)]
        joined = ohlcv.join([outside, page])
        joined = joined[np.argsort(joined.time, kind="stable")]
        flags = quality.wick_flags(joined)
        begin = max(0, int(np.searchsorted(joined.time, first)) - 1)
        end = int(np.searchsorted(joined.time, last)) + 1
        source = markets.by_id(session, market_id).exchange
        part = joined[begin:end], flags[begin:end]
        return stored_candles.upsert(session, market_id, frame.name, *part, source=source)


def _fetch(gateway: ExchangeGateway, symbol: str, frame: Timeframe, first: int, after: int) -> Candles:
    """The candles of [first, after). An answer that ends early is gone on from, until nothing more comes."""
    parts: list[Candles] = []
    while first < after:
        part = gateway.candles(symbol, frame.name, since_ms=first, limit=(after - first) // frame.ms)
        if not len(part):
            break
        parts.append(part)
        first = int(part.time[-1]) + frame.ms
    return ohlcv.join(parts)


def _pages(frame: Timeframe, start: int, end: int, length: int) -> list[tuple[int, int]]:
    """[first, after) of each page, cut at multiples of `length`, so that a second run asks for the same pages."""
    pages, first = [], start
    while first < end:
        after = min(end, first - (first - frame.offset_ms) % length + length)
        pages.append((first, after))
        first = after
    return pages


def _whole(sessions: Sessions, market_id: int, frame: Timeframe, first: int, after: int) -> bool:
    """True where no candle of [first, after) is missing."""
    with sessions() as session:
        there = stored_candles.read(session, market_id, frame.name, start_ms=first, end_ms=after - 1)
    return len(there) == (after - first) // frame.ms
