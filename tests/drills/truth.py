"""What an exchange answers, read without Bolt's code, and how Bolt's candles differ from it.

A candle is (open time in ms, open, high, low, close, volume), the last five as float64 read from the answer's text.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import core.timeframe as timeframes
import db.engine
from core.clock import to_ms
from core.errors import NotFound
from core.market_name import MarketName, parse
from db.queries import candles, markets
from db.tables import Gap
from tests.drills.stage import Replay

Row = tuple[int, float, float, float, float, float]
KRAKEN = {"1m": 1, "5m": 5, "1h": 60}
COINBASE = {"1m": "ONE_MINUTE", "5m": "FIVE_MINUTE", "1h": "ONE_HOUR"}


def row(opened: Any, *values: Any) -> Row:
    """Open time and five numbers, of whatever they are told in."""
    first, high, low, last, volume = map(float, values)
    return int(opened), first, high, low, last, volume


def answered(exchange: Replay, name: MarketName, timeframe: str, start_ms: int, end_ms: int) -> dict[int, Row]:
    """The closed candles that open in [start_ms, end_ms] by time, as the exchange answers now."""
    ask = {"binance": _binance, "kraken": _kraken, "coinbase": _coinbase}[name.exchange]
    step, now = timeframes.parse(timeframe).ms, exchange.now_ms()
    rows = ask(exchange, name.symbol, timeframe, start_ms, end_ms)
    return {one[0]: one for one in rows if start_ms <= one[0] <= end_ms and one[0] + step <= now}


def _binance(exchange: Replay, symbol: str, timeframe: str, start: int, end: int) -> list[Row]:
    rows: list[Row] = []
    while start <= end:
        query = {"symbol": symbol.replace("/", ""), "interval": timeframe, "startTime": start, "limit": 1000}
        page = exchange.ask("/api/v3/klines", **query)
        if not page:
            break
        rows += [row(*r[:6]) for r in page]
        start = rows[-1][0] + 1
    return rows


def _kraken(exchange: Replay, symbol: str, timeframe: str, _start: int, _end: int) -> list[Row]:
    """Kraken has its newest 720 candles only."""
    pair = symbol.replace("BTC", "XBT").replace("/", "")
    result: dict[str, Any] = exchange.ask("/kraken/0/public/OHLC", pair=pair, interval=KRAKEN[timeframe])["result"]
    rows = next(value for key, value in result.items() if key != "last")
    return [row(r[0] * 1_000, *r[1:5], r[6]) for r in rows]


def _coinbase(exchange: Replay, symbol: str, timeframe: str, start: int, end: int) -> list[Row]:
    step, rows = timeframes.parse(timeframe).ms, list[Row]()
    path = f"/coinbase/api/v3/brokerage/market/products/{symbol.replace('/', '-')}/candles"
    while start <= end:
        until = min(end + step, start + 300 * step)
        query = {"granularity": COINBASE[timeframe], "start": start // 1_000, "end": until // 1_000}
        for r in exchange.ask(path, **query)["candles"]:
            rows.append(row(int(r["start"]) * 1_000, r["open"], r["high"], r["low"], r["close"], r["volume"]))
        start = until + step
    return rows


@dataclass
class Compared:
    """One series against the exchange: what differs, and what is missing without being listed as a hole."""

    series: str
    compared: int = 0
    differ: list[tuple[Row, Row]] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)  # stored, though the exchange has no such closed candle
    unlisted: list[int] = field(default_factory=list)
    listed: int = 0
    behind: int = 0  # closed candles the exchange has after the newest stored one

    @property
    def good(self) -> bool:
        return self.compared > 0 and not (self.differ or self.unknown or self.unlisted)

    def line(self) -> str:
        faults = f"{len(self.differ)} differ, {len(self.unknown)} unknown, {len(self.unlisted)} missing and not listed"
        return f"{self.series}: {self.compared} equal; {faults}; {self.listed} listed holes, {self.behind} behind"


def stored_rows(market: str, timeframe: str) -> int:
    """How many candles of a series are stored; 0 too for a market nobody knows."""
    with db.engine.session() as session:
        try:
            found = markets.series_of(session, markets.get(session, parse(market)).id)
        except NotFound:
            return 0
        return found[timeframe].rows if timeframe in found else 0


def newest_ms(market: str, timeframe: str) -> int:
    """Open time of the newest stored candle; 0 where there is none."""
    with db.engine.session() as session:
        return candles.last_open_ms(session, markets.get(session, parse(market)).id, timeframe) or 0


def _listed(session: Session, market_id: int, timeframe: str) -> dict[int, int]:
    """{open time of the first missing candle: how many} of the holes Bolt knows of and has not filled."""
    mine = (Gap.market_id == market_id, Gap.timeframe == timeframe, Gap.state != "filled")
    return {to_ms(gap.first_missing): gap.count for gap in session.scalars(select(Gap).where(*mine))}


def compare(exchange: Replay, market: str, timeframe: str, *, since_ms: int = 0) -> Compared:
    """Every stored candle from `since_ms` on beside the exchange's answer of now."""
    name, made = parse(market), Compared(f"{market} {timeframe}")
    with db.engine.session() as session:
        found = markets.get(session, name)
        stored = candles.read(session, found.id, timeframe, start_ms=since_ms or None)
        holes = _listed(session, found.id, timeframe)
    rows = {int(values[0]): row(*values) for values in zip(*stored.columns(), strict=True)}
    if not rows:
        return made
    step, first, last = timeframes.parse(timeframe).ms, min(rows), max(rows)
    truth = answered(exchange, name, timeframe, first, last + 1_000 * step)
    first = max(first, min(truth, default=first))
    known = {hole + k * step for hole, count in holes.items() for k in range(count)}
    for time, kept in rows.items():
        if time < first:
            continue
        if time not in truth:
            made.unknown.append(time)
        elif truth[time] != kept:
            made.differ.append((kept, truth[time]))
        else:
            made.compared += 1
    missing = [time for time in truth if first <= time <= last and time not in rows]
    made.unlisted = [time for time in missing if time not in known]
    made.listed = len(missing) - len(made.unlisted)
    made.behind = sum(time > last for time in truth)
    return made
