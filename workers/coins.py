"""Market capitalisations, and our prices checked by another source. None of it is history to train on."""

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.clock import from_ms, utc_now
from core.errors import ExchangeUnavailable
from core.timeframe import TIMEFRAMES
from db.queries import candles, coins, markets
from db.queries.coins import Coin
from db.queries.markets import MarketRow
from market import coingecko
from market.coingecko import CoinGecko
from workers.context import JobContext

DOLLARS = ("USD", "USDT", "USDC", "FDUSD")  # quotes whose price is a price in dollars, nearly
PAGES = 4  # the 1,000 largest coins; smaller ones are not looked for
ASK_RATES = timedelta(hours=6)  # rates of money move less than what they are for
SAME_TIME = timedelta(minutes=10)  # prices further apart in time are not compared

log = logging.getLogger(__name__)


def read_coins(context: JobContext) -> dict[str, Any]:
    """Ask CoinGecko for the coins of our real markets, largest first, until all are found."""
    with context.session() as session:
        real = [row for row in markets.table(session) if not row.simulated and (row.followed or row.series)]
    wanted = {row.name.base for row in real}
    if context.settings.coingecko == "off" or not wanted:
        return {"coins": 0, "checked": 0, "flagged": 0, "rates": 0}
    gateway = coingecko.make(context.settings, context.redis)
    stored = 0
    for page in range(1, PAGES + 1):
        context.check_cancelled()
        listed = gateway.coins(page)
        with context.session() as session:
            stored += coins.store(session, [asdict(coin) for coin in listed])
        wanted -= {coin.symbol for coin in listed}
        if not wanted or len(listed) < coingecko.PAGE:
            break
    checked, flagged = _check_prices(context, real)
    return {"coins": stored, "checked": checked, "flagged": flagged, "rates": _read_rates(context, gateway)}


def _read_rates(context: JobContext, gateway: CoinGecko) -> int:
    """Ask what a dollar is worth elsewhere, every few hours; returns how many rates were told."""
    asked_at = utc_now()
    with context.session() as session:
        known = coins.newest_rate(session)
    if known is not None and asked_at - known < ASK_RATES:
        return 0
    try:
        per_dollar = gateway.rates()
    except ExchangeUnavailable as error:  # the coins are told already; pages go on in dollars, or with the rates before
        log.warning("rates_unavailable", extra={"reason": error.sentence})
        return 0
    with context.session() as session:
        return coins.store_rates(session, per_dollar, asked_at=asked_at)


def _check_prices(context: JobContext, real: list[MarketRow]) -> tuple[int, int]:
    """Compare the newest price of each followed dollar market; returns how many were compared and flagged."""
    limit, now = context.settings.price_check_percent / 100, utc_now()
    compared, flagged = 0, []
    with context.session() as session:
        known = coins.caps(session, {row.name.base for row in real})
        for row in real:
            coin = known.get(row.name.base)
            if coin is None or not row.followed or row.name.quote not in DOLLARS:
                continue
            ours = _price(session, row, coin)
            found = coins.check(session, row.id, coin, ours, limit=limit, now=now) if ours else None
            compared += found is not None
            if found is not None and found.flagged:
                flagged.append(f"{row.name} {found.difference:+.1%} off {coin.id}")
    if flagged:
        log.warning("prices_differ", extra={"markets": flagged})
    return compared, len(flagged)


def _price(session: Session, row: MarketRow, coin: Coin) -> float | None:
    """The newest close, where it was made at about the time of CoinGecko's price."""
    if not row.series:
        return None
    frame = TIMEFRAMES[next(iter(row.series))]
    newest = candles.read(session, row.id, frame.name, limit=1)
    if not len(newest) or abs(from_ms(int(newest.time[0]) + frame.ms) - coin.updated_at) > SAME_TIME:
        return None
    return float(newest.close[0])
