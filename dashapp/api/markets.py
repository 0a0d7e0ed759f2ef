"""Markets, their candles and what indicators say of them. Only what is stored: the web calls no exchange."""

from typing import Any

import numpy as np
from pydantic import Field
from sqlalchemy.orm import Session

import db.engine
from core.clock import from_ms, to_ms
from core.errors import NotFound
from core.ohlcv import Candles
from core.timeframe import parse as parse_timeframe
from dashapp import security
from dashapp.api import paging, tables
from dashapp.api.problems import wrong
from dashapp.api.route import Reply, Resource
from dashapp.api.schemas import (
    Answer,
    Exchange,
    Moment,
    Money,
    Page,
    Paged,
    Query,
    Symbol,
    Time,
    Timeframe,
    money,
    name_of,
    symbol_of,
)
from db.queries import markets
from db.queries.markets import MarketRow
from db.tables import Market
from market import candles as series
from market.indicators.catalog import parse as parse_indicator
from market.indicators.compute import compute_all, warmup

DAY_MS = 86_400_000
AT_ONCE = 10  # indicators of one request

resource = Resource("Markets")


class SeriesItem(Answer):
    timeframe: Timeframe
    candles: int = Field(examples=[8760])
    first: Time
    last: Time
    gaps: int = Field(examples=[0])
    missing: int = Field(examples=[0])


class MarketItem(Answer):
    """`simulated` markets are of the demo exchange: their prices are made up."""

    exchange: Exchange
    symbol: Symbol
    simulated: bool = Field(examples=[False])
    followed: bool = Field(examples=[True])
    price_decimals: int | None = Field(examples=[2])
    series: list[SeriesItem]


class MarketPage(Paged):
    items: list[MarketItem]


class OfMarket(Query):
    exchange: str | None = Field(default=None, max_length=32, examples=["binance"])


class Ticker(Answer):
    """The newest stored candle and the 24 hours before its close; null where they are not stored."""

    exchange: Exchange
    symbol: Symbol
    simulated: bool = Field(examples=[False])
    timeframe: Timeframe
    closed_at: Time
    price: Money
    change_24h: float | None = Field(examples=[0.0123], description="As a fraction.")
    high_24h: Money | None
    low_24h: Money | None
    volume_24h: Money | None


class CandleQuery(Page):
    exchange: str | None = Field(default=None, max_length=32, examples=["binance"])
    timeframe: str = Field(default="1h", max_length=3, examples=["1h"])
    start: Moment | None = None
    end: Moment | None = Field(default=None, description="Not included. RFC 3339, with an offset or Z.")


class IndicatorQuery(CandleQuery):
    names: str = Field(default="ema:20,rsi:14", max_length=300, examples=["ema:20,rsi:14"])


class CandleItem(Answer):
    """`time` is when the candle opened."""

    time: Time
    open: float = Field(examples=[63210.0])
    high: float = Field(examples=[63290.5])
    low: float = Field(examples=[63180.2])
    close: float = Field(examples=[63250.5])
    volume: float = Field(examples=[312.7])


class OfSeries(Paged):
    exchange: Exchange
    symbol: Symbol
    simulated: bool = Field(examples=[False])
    timeframe: Timeframe


class CandlePage(OfSeries):
    items: list[CandleItem]


class IndicatorItem(Answer):
    """Values by indicator and output; null while an indicator warms up."""

    time: Time
    values: dict[str, dict[str, float | None]] = Field(examples=[{"ema:20": {"ema": 63180.1}}])


class IndicatorPage(OfSeries):
    items: list[IndicatorItem]


@resource("GET", "/markets", answer=MarketPage, query=Page)
def list_markets(query: Page) -> Reply:
    """Every market with what is stored of it, by symbol and exchange."""
    symbol, exchange = paging.decode(query.cursor, str, str) or ("", "")
    with db.engine.session() as session:
        rows = markets.page(session, after=(symbol, exchange), limit=query.limit + 1)
    found, cursor = paging.cut(rows, query.limit, lambda row: (row.symbol, row.exchange))
    return paging.page(MarketPage(items=[_item(row) for row in found], next_cursor=cursor))


@resource("GET", "/markets/<symbol:symbol>/ticker", answer=Ticker, query=OfMarket, problems=(404,))
def show_ticker(symbol: str, query: OfMarket) -> Ticker:
    """The newest price, as of the newest stored candle."""
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        stored = markets.series_of(session, market.id)
        if not stored:
            raise NotFound("No candles of this market are stored yet.")
        row = max(stored.values(), key=lambda s: s.last_ms + parse_timeframe(s.timeframe).ms)
        step = parse_timeframe(row.timeframe).ms
        bars = series.before(session, market.id, row.timeframe, None, max(1, DAY_MS // step) + 1)
    return _ticker(market, row.timeframe, step, bars)


@resource("GET", "/markets/<symbol:symbol>/candles", answer=CandlePage, query=CandleQuery, tables=True, problems=(404,))
def list_candles(symbol: str, query: CandleQuery) -> Reply:
    """Closed candles, newest first; by `Accept` as JSON, CSV or an Arrow stream, whose prices are 64-bit floats."""
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        bars, cursor = _bars(session, market, query, 0)
    reply = paging.page(CandlePage(items=list(map(_candle, *_columns(bars))), **_about(market, query, cursor)))
    return tables.instead(reply, bars)


@resource("GET", "/markets/<symbol:symbol>/indicators", answer=IndicatorPage, query=IndicatorQuery, problems=(404,))
def list_indicators(symbol: str, query: IndicatorQuery) -> Reply:
    """Values of indicators on closed candles, newest first."""
    words = [word for word in query.names.split(",") if word.strip()]
    if not 1 <= len(words) <= AT_ONCE:
        raise wrong("query", "names", f"Name 1 to {AT_ONCE} indicators, such as ema:20,rsi:14.")
    chosen = [parse_indicator(word) for word in words]
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        shown, cursor = _bars(session, market, query, 0)
        step = parse_timeframe(query.timeframe).ms
        bars, _ = _bars(session, market, query, max(warmup(one, step) for one in chosen))
    lines = compute_all(bars, chosen)
    first = len(bars) - len(shown)
    items = [
        IndicatorItem(time=from_ms(int(bars.time[k])), values={n: _values(v, k) for n, v in lines.items()})
        for k in range(len(bars) - 1, first - 1, -1)
    ]
    return paging.page(IndicatorPage(items=items, **_about(market, query, cursor)))


def find(session: Session, symbol: str, exchange: str | None) -> Market:
    """The market of a symbol; without an exchange, of the first in the settings that has it. Raises NotFound."""
    if exchange is not None:
        return markets.get(session, name_of(exchange, symbol))
    wanted = name_of("any", symbol).symbol
    order = security.settings().exchanges
    having = markets.named(session, wanted)
    if not having:
        raise NotFound(f"There is no market {wanted} here yet. GET /api/markets lists those there are.")
    places = {name: k for k, name in enumerate(order)}
    return min(having, key=lambda row: (row.simulated, places.get(row.exchange, len(order)), row.exchange))


def _bars(session: Session, market: Market, query: CandleQuery, lead: int) -> tuple[Candles, str | None]:
    """The page's bars, oldest first, with up to `lead` earlier ones before them."""
    if parse_timeframe(query.timeframe).name not in series.timeframes(session, market.id):
        raise NotFound(f"No {query.timeframe} candles of this market can be shown. GET /api/markets says which can.")
    key = paging.decode(query.cursor, int)
    edges = [edge for edge in (key[0] if key else None, to_ms(query.end) if query.end else None) if edge is not None]
    least = to_ms(query.start) if query.start else None
    found = series.before(session, market.id, query.timeframe, min(edges, default=None), query.limit + 1 + lead)
    wanted = found if least is None else found[found.time >= least]
    more = len(wanted) > query.limit
    shown = wanted[-query.limit :]
    cursor = paging.encode((int(shown.time[0]),)) if more else None
    return found[max(0, len(found) - len(shown) - lead) :], cursor


def _about(market: Market, query: CandleQuery, cursor: str | None) -> dict[str, Any]:
    names = {"exchange": market.exchange, "symbol": symbol_of(market.symbol), "simulated": market.simulated}
    return {**names, "timeframe": query.timeframe, "next_cursor": cursor}


def _columns(bars: Candles) -> list[list[Any]]:
    return [column[::-1].tolist() for column in bars.columns()]


def _candle(ms: int, opened: float, high: float, low: float, close: float, volume: float) -> CandleItem:
    return CandleItem(time=from_ms(ms), open=opened, high=high, low=low, close=close, volume=volume)


def _values(outputs: dict[str, Any], k: int) -> dict[str, float | None]:
    return {key: None if np.isnan(line[k]) else float(line[k]) for key, line in outputs.items()}


def _item(row: MarketRow) -> MarketItem:
    stored = [
        SeriesItem(
            timeframe=s.timeframe,
            candles=s.rows,
            gaps=s.gaps,
            missing=s.missing,
            first=from_ms(s.first_ms),
            last=from_ms(s.last_ms),
        )
        for s in row.series.values()
    ]
    shown = {k: getattr(row, k) for k in ("exchange", "simulated", "followed", "price_decimals")}
    return MarketItem(symbol=symbol_of(row.symbol), series=stored, **shown)


def _ticker(market: Market, timeframe: str, step: int, bars: Candles) -> Ticker:
    closed = int(bars.time[-1]) + step
    day = bars[bars.time >= closed - DAY_MS]
    earlier = bars[bars.time == closed - DAY_MS - step]
    whole = step <= DAY_MS
    return Ticker(
        exchange=market.exchange,
        symbol=symbol_of(market.symbol),
        simulated=market.simulated,
        timeframe=timeframe,
        closed_at=from_ms(closed),
        price=money(bars.close[-1]),
        change_24h=float(bars.close[-1] / earlier.close[0] - 1) if len(earlier) else None,
        high_24h=money(day.high.max()) if whole else None,
        low_24h=money(day.low.min()) if whole else None,
        volume_24h=money(day.volume.sum()) if whole else None,
    )
