"""The JSON Binance's public REST protocol answers with, filled with simulated markets."""

from typing import Any

import numpy as np
from aiohttp import web

from core.ohlcv import Candles
from core.timeframe import MINUTE_MS, TIMEFRAMES, Timeframe
from demo import market_model
from demo.listings import Listing

DAY_MS = 86_400_000


def _text(value: float) -> str:
    return f"{value:.8f}"


def exchange_info(listings: list[Listing], now_ms: int) -> dict[str, Any]:
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 60_000}
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [limit],
        "exchangeFilters": [],
        "symbols": [_symbol(listing) for listing in listings],
    }


def _symbol(listing: Listing) -> dict[str, Any]:
    tick, lot = _text(10.0**-listing.price_decimals), _text(10.0**-listing.lot_decimals)
    return {
        "symbol": listing.id,
        "status": "TRADING",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "90000000.00000000", "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "avgPriceMins": 5},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def klines(listing: Listing, timeframe: Timeframe, candles: Candles) -> list[list[Any]]:
    """Twelve columns: open time, OHLC, volume, close time, quote volume, trades, volume of takers in both, unused."""
    rows = []
    for at, opened, high, low, closed, volume in zip(*(c.tolist() for c in candles.columns()), strict=True):
        quote = volume * (high + low + closed) / 3
        trades = 1 + int(quote / 1_200)
        prices = [_text(x) for x in (opened, high, low, closed, volume)]
        taken = [_text(round(volume / 2, listing.lot_decimals)), _text(quote / 2)]
        rows.append([at, *prices, at + timeframe.ms - 1, _text(quote), trades, *taken, "0"])
    return rows


def day(listing: Listing, now_ms: int) -> dict[str, Any]:
    """Statistics of the last 24 hours."""
    minutes = market_model.candles(listing, TIMEFRAMES["1m"], start_ms=now_ms - DAY_MS, end_ms=now_ms, now_ms=now_ms)
    first, last = float(minutes.open[0]), float(minutes.close[-1])
    volume = float(minutes.volume.sum())
    quote = float((minutes.volume * (minutes.high + minutes.low + minutes.close) / 3).sum())
    tick = 10.0**-listing.price_decimals
    return {
        "symbol": listing.id,
        "priceChange": _text(last - first),
        "priceChangePercent": f"{(last / first - 1) * 100:.3f}",
        "weightedAvgPrice": _text(quote / volume),
        "prevClosePrice": _text(first),
        "lastPrice": _text(last),
        "lastQty": _text(10.0**-listing.lot_decimals),
        "bidPrice": _text(last - tick),
        "bidQty": "1.00000000",
        "askPrice": _text(last + tick),
        "askQty": "1.00000000",
        "openPrice": _text(first),
        "highPrice": _text(float(minutes.high.max())),
        "lowPrice": _text(float(minutes.low.min())),
        "volume": _text(volume),
        "quoteVolume": _text(quote),
        "openTime": int(minutes.time[0]),
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": len(minutes),
        "count": len(minutes),
    }


def price(listing: Listing, now_ms: int) -> dict[str, Any]:
    return {"symbol": listing.id, "price": _text(market_model.price(listing, now_ms))}


def stream_kline(listing: Listing, timeframe: Timeframe, row: list[Any], now_ms: int) -> dict[str, Any]:
    """The message of a kline stream for a row of `klines`; `x` says whether the candle is final."""
    names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
    told = dict(zip(names, row, strict=True))
    told |= {"s": listing.id, "i": timeframe.name, "f": 1, "L": told["n"], "x": told["T"] < now_ms}
    return {"e": "kline", "E": now_ms, "s": listing.id, "k": told}


def stream_ticker(listing: Listing, now_ms: int, *, mini: bool) -> dict[str, Any]:
    """The message of a ticker stream."""
    told = day(listing, now_ms)
    short = {"c": "lastPrice", "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume"}
    long = {"p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice"}
    long |= {"Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty", "O": "openTime"}
    long |= {"C": "closeTime", "F": "firstId", "L": "lastId", "n": "count"}
    event = {"e": "24hrMiniTicker" if mini else "24hrTicker", "E": now_ms, "s": listing.id}
    return event | {key: told[name] for key, name in (short if mini else short | long).items()}


def depth(listing: Listing, levels: int, now_ms: int) -> dict[str, Any]:
    """An order book around the last price; sizes are hashed by their distance and the minute."""
    last, tick = market_model.price(listing, now_ms), 10.0**-listing.price_decimals
    levels = min(levels, max(1, int(last / tick) - 1))
    index = np.arange(2 * levels) + now_ms // MINUTE_MS * 2_000
    usual = listing.turnover / 50_000 / last
    size = usual * (0.2 + market_model.uniform(listing.number, 30, index) * 1.6)
    book = [
        [
            [_text(last + side * tick * (k + 1)), _text(round(float(size[2 * k + (side > 0)]), listing.lot_decimals))]
            for k in range(levels)
        ]
        for side in (-1, 1)
    ]
    return {"lastUpdateId": now_ms, "bids": book[0], "asks": book[1]}


def refusal(code: int, retry_after: Any) -> web.Response:
    """What Binance answers with a status that is no success."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if code in (418, 429):
        return web.json_response({"code": -1003, "msg": "Too much request weight used."}, status=code, headers=headers)
    if code in (403, 451):
        text = {"code": 0, "msg": "Service unavailable from a restricted location."}
        return web.json_response(text, status=code, headers=headers)
    page = f"<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>"
    return web.Response(text=page, status=code, content_type="text/html", headers=headers)
