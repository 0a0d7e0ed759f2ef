"""Fetching a span of candles page by page. Each page is its own transaction, so that a kill costs one page at most."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

import core.ohlcv as ohlcv
import core.timeframe as timeframes
from core.clock import from_ms, to_ms, utc_now
from core.errors import ExchangeUnavailable, NotFound, Refused
from core.ohlcv import Candles
from core.timeframe import Timeframe
from db.queries import breaks, markets
from db.queries import candles as stored_candles
from db.queries.candles import Stored
from db.queries.deliveries import Origin, Source
from db.tables import Market
from market import again, doubts, quality, series_breaks
from market.gateway import ExchangeGateway, NotCandles

EMPTY_PAGES = 3  # going back, so many pages without a candle mean that the market did not exist yet
MOST_HALVES = 24  # of a page that holds rows that are no candles, before what is left of it is left out …
VAIN_HALVES = 12  # … and before all of it is, where no part of it could be read
AROUND = quality.NEIGHBOURHOOD - 1  # stored candles looked at to judge the wicks of new ones

Sessions = Callable[[], AbstractContextManager[Session]]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a span: new candles, ones that replaced other values, pages asked for and pages there already.

    `came` counts the candles of all answers, `left_out` those of the spans that could not be had without rows that are
    no candles, and those that are in doubt; `ended` where nothing lies further on: the exchange has no more, or the
    series breaks there.
    """

    stored: int = 0
    changed: int = 0
    asked: int = 0
    skipped: int = 0
    came: int = 0
    left_out: int = 0
    ended: bool = False


class SilentMarket(ExchangeUnavailable):
    """The exchange answers, and has lost the candles it had: no answer of its about this market can be believed."""


OF_ONE_MARKET = (SilentMarket, NotCandles, NotFound, Refused)  # say nothing of the other markets of an exchange


def fetch_span(
    gateway: ExchangeGateway,
    sessions: Sessions,
    market: Market,
    timeframe: str,
    start_ms: int,
    end_ms: int,
    *,
    now: datetime,
    via: Source = "history",
    newest_first: bool = False,
    progress: Progress = lambda _fraction: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Fetched:
    """Store the closed candles that open in [start_ms, end_ms); pages that are stored whole are not asked for again.

    `via` is what is written down as their source. Run again after a kill, it goes on where it was.
    With `newest_first` it ends where the market's history begins. It ends too where the series breaks
    (`market.series_breaks`), and writes that down. Raises what the gateway raises, and SilentMarket; the pages before
    are kept. A row that is no candle costs what is next to it at most, a hole that is asked for again; NotCandles is
    raised where nothing else came.
    """
    frame = timeframes.parse(timeframe)
    end = min(frame.floor(end_ms + frame.ms - 1), frame.last_closed(to_ms(now)) + frame.ms)
    pages = _pages(frame, frame.floor(start_ms + frame.ms - 1), end, gateway.page(timeframe) * frame.ms)
    seam = _Seam(sessions, market.id, frame, newest_first=newest_first, end=end, now=now)
    if newest_first:
        pages.reverse()
    stored = changed = asked = skipped = came = left_out = empty = 0
    trouble: NotCandles | None = None
    for number, (first, after) in enumerate(pages):
        check_cancelled()
        there = _read(sessions, market.id, frame, first, after)
        if len(there) == (after - first) // frame.ms:
            skipped += 1
            seam.beside(there)
            continue
        page, refused, fault = _fetch(gateway, market.symbol, frame, first, after)
        asked, came, origin = asked + 1, came + len(page), Origin(via, answered_at=utc_now())
        trouble = fault or trouble
        sure = doubts.believed(market.id, frame, page)
        left_out += refused + len(page) - len(sure)
        page, broken = seam.until_break(sure)
        written = store(sessions, market.id, frame, page, origin)
        stored, changed = stored + written.stored, changed + written.changed
        empty = 0 if len(page) or refused else empty + 1
        if broken or (newest_first and empty == EMPTY_PAGES):
            if not broken:
                prove(gateway, sessions, market, frame)
            return Fetched(stored, changed, asked, skipped, came, left_out, ended=True)
        progress((number + 1) / len(pages))
    if trouble and not came:
        raise trouble
    return Fetched(stored, changed, asked, skipped, came, left_out)


def prove(gateway: ExchangeGateway, sessions: Sessions, market: Market, frame: Timeframe) -> None:
    """Ask for the newest candle that is stored: only one who still has it is believed to have no others.

    An empty answer is a fault of an exchange as often as the truth. Raises SilentMarket.
    """
    with sessions() as session:
        last = stored_candles.last_open_ms(session, market.id, frame.name)
    if last is not None and not len(gateway.candles(market.symbol, frame.name, since_ms=last, limit=1)):
        raise lost(market, frame.name)


def lost(market: Market, timeframe: str) -> SilentMarket:
    return SilentMarket(
        f"{market.exchange} answers with no {timeframe} candle of {market.symbol} at all, though it had some. "
        "Bolt asks again by itself."
    )


class _Seam:
    """Looks for breaks where pages of one fetch meet, and where they meet what is stored."""

    def __init__(
        self, sessions: Sessions, market_id: int, frame: Timeframe, *, newest_first: bool, end: int, now: datetime
    ) -> None:
        self._sessions, self._market_id, self._frame, self._now = sessions, market_id, frame, now
        self._newest_first = newest_first
        with sessions() as session:
            self._joined = {to_ms(at) for at in breaks.joined(session, market_id, frame.name)}
            after = stored_candles.read(session, market_id, frame.name, start_ms=end, end_ms=end)
        self._edge = after if newest_first else ohlcv.empty()

    def beside(self, page: Candles) -> None:
        """Go on behind a page that was stored already."""
        if len(page):
            self._edge = page[:1] if self._newest_first else page[-1:]

    def until_break(self, page: Candles) -> tuple[Candles, bool]:
        """The part of a page on our side of the nearest break, and whether there was one; it is written down."""
        joined = ohlcv.join([page, self._edge] if self._newest_first else [self._edge, page])
        found = [one for one in series_breaks.find(joined) if one.new_first not in self._joined]
        if not found:
            self.beside(page)
            return page, False
        nearest = found[-1] if self._newest_first else found[0]
        with self._sessions() as session:
            breaks.note(
                session,
                self._market_id,
                self._frame.name,
                old_last=from_ms(nearest.old_last),
                new_first=from_ms(nearest.new_first),
                old_close=nearest.old_close,
                new_open=nearest.new_open,
                state="apart" if self._newest_first else "paused",
                now=self._now,
            )
        ours = page.time >= nearest.new_first if self._newest_first else page.time <= nearest.old_last
        return page[ours], True


def store(sessions: Sessions, market_id: int, frame: Timeframe, page: Candles, origin: Origin | None = None) -> Stored:
    """Store candles with flags for huge wicks, which the candles around them decide; one transaction.

    The candles before and after the page are judged again: until now they had no neighbour there. A stored candle that
    came back different leaves a row in candle_revisions. Huge wicks are asked for again later (`market.again`).
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
        end = int(np.searchsorted(joined.time, last)) + 2
        source = markets.by_id(session, market_id).exchange
        part = joined[begin:end], flags[begin:end]
        written = stored_candles.upsert(session, market_id, frame.name, *part, source=source, origin=origin)
    huge = part[0].time[(part[1] & quality.WICK > 0) | doubts.far_out(part[0])]
    again.remember(doubts.remembered(), market_id, frame, huge.tolist())
    return written


def _fetch(
    gateway: ExchangeGateway, symbol: str, frame: Timeframe, first: int, after: int
) -> tuple[Candles, int, NotCandles | None]:
    """The candles of [first, after), how many had to be left out, and why.

    An answer that ends early is gone on from, until nothing more comes. A span whose answer holds a row that is no
    candle is asked for in halves, until that row is alone, or MOST_HALVES were asked for.
    """
    parts: list[Candles] = []
    spans, left_out, halves = [(first, after)], 0, 0
    fault: NotCandles | None = None
    while spans:
        begin, end = spans.pop()
        wanted = (end - begin) // frame.ms
        try:
            part = gateway.candles(symbol, frame.name, since_ms=begin, limit=wanted)
        except NotCandles as error:
            fault, halves = error, halves + 1
            if not parts and halves == VAIN_HALVES:
                left_out += wanted + sum((after - at) // frame.ms for at, after in spans)
                break
            if wanted == 1 or halves >= MOST_HALVES:
                left_out += wanted
            else:
                middle = begin + wanted // 2 * frame.ms
                spans += [(middle, end), (begin, middle)]
            continue
        if len(part):
            parts.append(part)
            if (on := int(part.time[-1]) + frame.ms) < end:
                spans.append((on, end))
    return ohlcv.join(parts), left_out, fault


def _pages(frame: Timeframe, start: int, end: int, length: int) -> list[tuple[int, int]]:
    """[first, after) of each page, cut at multiples of `length`, so that a second run asks for the same pages."""
    pages, first = [], start
    while first < end:
        after = min(end, first - (first - frame.offset_ms) % length + length)
        pages.append((first, after))
        first = after
    return pages


def _read(sessions: Sessions, market_id: int, frame: Timeframe, first: int, after: int) -> Candles:
    """What is stored of [first, after)."""
    with sessions() as session:
        return stored_candles.read(session, market_id, frame.name, start_ms=first, end_ms=after - 1)
