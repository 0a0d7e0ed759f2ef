"""What the browser needs to draw a watch-list: a row a market, short keys, figures as numbers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dash import dcc
from dash.development.base_component import Component
from redis.exceptions import RedisError

import core.job_queue
from callbacks.chart_source import served, strips
from core import ticks
from core.clock import from_ms
from core.currencies import DOLLAR, Currency
from core.market_name import MarketName
from core.timeframe import TIMEFRAMES
from db.queries.coins import Coin
from db.queries.predictions import CallRow
from db.queries.sources import StandIn
from db.queries.watchlists import Shown
from db.tables import ExchangeRate
from layouts.components.numbers import ago, minute, price_decimals
from market.summary import Point, Summary
from market.watch import Watched

KNOWN_FOR = timedelta(days=2)  # a market capitalisation is no figure any more after that
NO_CANDLES = "Nothing of this market is stored yet"
NO_CAP = "No market capitalisation is known of this coin"
NO_VOLUME = "Not all candles of the last 24 hours are stored"
NO_CALL = "No model calls this market at this moment"
SINCE = {"hour": "an hour", "day": "24 hours", "week": "7 days"}


def last_ticks(names: Sequence[str]) -> dict[str, Point]:
    """The last tick of each market (`exchange:symbol`) that has one; none while Redis does not answer."""
    found = {}
    try:
        told = ticks.last(core.job_queue.redis(), names)
    except (RedisError, RuntimeError):
        return {}
    for one in told:
        given = json.loads(one.text)
        found[one.market] = Point(int(given["time"]), float(given["price"]))
    return found


@dataclass(frozen=True, slots=True)
class Worth:
    """What capitalisations are shown in: `per_dollar` of a currency; `note` where it is not the one that was chosen."""

    currency: Currency = DOLLAR
    per_dollar: float = 1.0
    note: str = ""


def worth(wanted: Currency, rate: ExchangeRate | None, *, now: datetime) -> Worth:
    """The currency somebody chose, or dollars and why, where its rate is unknown or old."""
    if wanted == DOLLAR:
        return Worth()
    if rate is None:
        return Worth(note=f"Market caps in US dollars: no rate for {wanted.code} is known yet.")
    if now - rate.asked_at > KNOWN_FOR:
        return Worth(note=f"Market caps in US dollars: the rate for {wanted.code} is from {minute(rate.asked_at)} UTC.")
    return Worth(wanted, rate.per_dollar)


def frame(
    rows: Sequence[Watched],
    shown: Shown,
    calls: Mapping[int, CallRow],
    coins: Mapping[str, Coin],
    *,
    serving: Mapping[int, StandIn],
    now: datetime,
    unit: Worth,
) -> dict[str, Any]:
    """The whole list. Order is the person's own; the browser sorts."""
    return {
        "rows": [
            _row(row, calls.get(row.market.id), coins, now, unit) | _served(row, serving.get(row.market.id))
            for row in rows
        ],
        "unit": {"sign": unit.currency.sign, "note": unit.note},
        "sort": shown.sort,
        "down": shown.descending,
        "at": int(now.timestamp() * 1_000),
    }


def _row(row: Watched, call: CallRow | None, coins: Mapping[str, Coin], now: datetime, unit: Worth) -> dict[str, Any]:
    market = row.market
    name = MarketName(market.exchange, market.symbol)
    coin = None if market.simulated else coins.get(name.base)
    fresh = coin is not None and now - coin.updated_at <= KNOWN_FOR
    told: dict[str, Any] = {
        "id": market.id,
        "path": name.path,
        "base": name.base,
        "quote": name.quote,
        "name": coin.name if coin else "",
        "exchange": market.exchange,
        "sim": market.simulated,
        "followed": market.followed,
        "cap": coin.market_cap * unit.per_dollar if coin and fresh and coin.market_cap else None,
        "call": [call.call, round(100 * call.confidence), call.horizon, call.timeframe] if call else None,
        "why": {"cap": _cap_words(coin, unit, now=now), "call": NO_CALL},
    }
    if row.figures is None:
        told["why"]["last"] = NO_CANDLES
        return told
    told["why"] |= _reasons(row.figures)
    return told | _figures(row, row.figures)


def _served(row: Watched, serving: StandIn | None) -> dict[str, Any]:
    """Whose figures a row shows while its own exchange is silent: where its ticks come from, and why."""
    if serving is None or row.shown.id != serving.stand_in_id:
        return {}
    other = serving.name
    return {"served": {"path": other.path, "exchange": other.exchange, "quote": other.quote, "why": served(serving)}}


def serving_strips(rows: Sequence[Watched], serving: Mapping[int, StandIn], *, now: datetime) -> list[Component]:
    """Who is silent, and who serves in its place, of the rows that show a stand-in."""
    shown = [serving[row.market.id] for row in rows if _served(row, serving.get(row.market.id))]
    action = dcc.Link("Details", href="/markets", className="btn btn-ghost btn-sm")
    return strips(shown, now=now, action=action)


def _figures(row: Watched, told: Summary) -> dict[str, Any]:
    decimals = row.shown.price_decimals
    return {
        "last": told.last.price,
        "at": told.last.at_ms,
        "step": TIMEFRAMES[row.timeframe].ms,
        "dec": price_decimals(told.last.price) if decimals is None else decimals,
        "past": {name: told.past[name] for name, change in told.changes.items() if change is not None},
        "spark": ",".join("" if height is None else str(height) for height in told.spark),
        "volume": told.volume,
    }


def _reasons(told: Summary) -> dict[str, str]:
    """Why a change is not shown, by window, and why volume is not."""
    at = from_ms(told.last.at_ms)
    old = f"The last price is from {minute(at)} UTC"
    missing = {
        name: old if told.stale and told.past[name] is not None else f"No candle {SINCE[name]} before the last price"
        for name, change in told.changes.items()
        if change is None
    }
    return missing | ({"volume": NO_VOLUME} if told.volume is None else {})


def _cap_words(coin: Coin | None, unit: Worth, *, now: datetime) -> str:
    """Whose capitalisation it is, from when; or why there is none."""
    if coin is None or coin.market_cap is None:
        return NO_CAP
    others = f"; {coin.namesakes} smaller coins share its symbol" if coin.namesakes else ""
    return f"{coin.name} in {unit.currency.code}, CoinGecko {ago(coin.updated_at, now=now)}{others}"
