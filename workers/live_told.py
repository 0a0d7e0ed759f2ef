"""What a live process keeps of its markets: minutes that closed go to PostgreSQL, ticks to Redis."""

import logging
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import core.ohlcv as ohlcv
import db.engine
from core import job_queue, ticks
from core.clock import to_ms, utc_now
from core.shared import SharedNumbers
from core.ticks import Tick
from core.timeframe import MINUTE_MS, TIMEFRAMES
from db.queries import candles as stored_candles
from db.queries.deliveries import Origin
from db.tables import Market
from market import doubts, forming, ingest, refused
from market.ccxt_live import Minute, News
from market.forming import Bar
from market.gateway import NotCandles

CLOSED_LATE_MS = 10_000  # into a minute, when TOP_UP has brought what the stream did not
STORED = "candles"

log = logging.getLogger(__name__)


@dataclass
class Followed:
    """What is known of one market; `before` is the closed part of its forming bars."""

    market: Market
    minute: Bar | None = None
    source: str = "klines"
    price: float | None = None
    time: int = 0
    change: float | None = None
    before: dict[str, Bar | None] = field(default_factory=dict)
    before_of: int = 0  # the minute it stands for
    complete: bool = False  # read again late in that minute

    def take(self, news: News, *, prices_only: bool) -> None:
        """A price, or the minute that runs; `prices_only` where the exchange streams no minutes."""
        if isinstance(news, Minute):
            if self.minute is not None and news.bar[0] < self.minute[0]:
                return  # told late: what runs is newer
            self.minute, self.price, self.source = news.bar, news.bar[4], "klines"
            self.time = max(self.time, to_ms(utc_now()))
            return
        self.price, self.time = news.price, max(self.time, news.time)
        self.change = news.change
        if prices_only:
            self.minute, self.source = forming.by_price(self.minute, news.price, news.time), "ticks"

    def needs_past(self) -> bool:
        if self.minute is None:
            return False
        late = self.time - int(self.minute[0]) > CLOSED_LATE_MS
        return int(self.minute[0]) != self.before_of or (late and not self.complete)

    def read_past(self) -> None:
        """The closed part of each forming bar: at the minute's beginning, and once more when TOP_UP has been."""
        assert self.minute is not None
        minute = int(self.minute[0])
        first_minute, first_hour = forming.spans(minute)
        with db.engine.session() as session:
            minutes = stored_candles.read(session, self.market.id, "1m", start_ms=first_minute)
            hours = stored_candles.read(session, self.market.id, "1h", start_ms=first_hour)
        self.before = forming.begun(minutes, hours, minute)
        self.complete = self.before_of == minute
        self.before_of = minute

    def bars(self) -> dict[str, Bar]:
        """The forming bar of each timeframe; while PostgreSQL is away, that of the minute alone."""
        if self.minute is None:
            return {}
        try:
            if self.needs_past():
                self.read_past()
        except SQLAlchemyError as fault:
            log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})
            return {"1m": self.minute}
        return forming.joined(self.before, self.minute)


def publish(state: Followed) -> bool:
    """Tell everybody how the market stands; False before the first price, and while Redis is away."""
    if state.price is None:
        return False
    market = state.market
    try:
        tick = Tick(market.exchange, market.symbol, state.price, state.time, state.source, state.bars(), state.change)
        ticks.publish(job_queue.redis(), tick)
    except RedisError as fault:
        log.warning("tick_not_told", extra={"market": market.symbol, "fault": type(fault).__name__})
        return False
    return True


def store_minute(market: Market, bar: Bar) -> None:
    """Store a closed minute that follows the newest one; after a hole TOP_UP goes on from where it is."""
    frame, told, heard_at = TIMEFRAMES["1m"], ohlcv.from_rows([bar]), utc_now()
    told = doubts.believed(market.id, frame, told, by=doubts.TOLD_BY_STREAM)
    if not len(told):
        return  # TOP_UP asks for it, and again
    try:
        with db.engine.session() as session:
            last = stored_candles.last_open_ms(session, market.id, frame.name)
        if last is not None and int(bar[0]) == last + MINUTE_MS:
            ingest.store(db.engine.session, market.id, frame, told, Origin("stream", answered_at=heard_at))
    except SQLAlchemyError as fault:
        log.warning("minute_not_stored", extra={"market": market.symbol, "fault": type(fault).__name__})


def note_refused(exchange: str, fault: NotCandles) -> None:
    """Count a row of a stream that was no candle."""
    refused.tally(SharedNumbers(job_queue.redis()), exchange, "rejected", fault.reasons)
    refused.note(exchange, fault.symbol, "1m", refused.STREAM, fault.reasons)


class StandIn:
    """Tells the newest stored minute of markets whose exchange has no stream now: the price moves once a minute."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}  # market -> open time in ms

    def tell(self, followed: list[Market]) -> int:
        """Tell what has come since the last look; returns of how many markets. Raises SQLAlchemyError."""
        told = 0
        for market in followed:
            with db.engine.session() as session:
                newest = stored_candles.read(session, market.id, "1m", limit=1)
            if not len(newest) or self._told.get(market.id) == int(newest.time[-1]):
                continue
            bar = [float(column[-1]) for column in newest.columns()]
            state = Followed(market, minute=bar, source=STORED, price=bar[4], time=int(bar[0]) + MINUTE_MS)
            if publish(state):
                self._told[market.id] = int(bar[0])
                told += 1
        return told
