"""Candles made up for tests of pages: a walk with a seed, two decimals, gaps where they are wanted."""

import numpy as np
from sqlalchemy.orm import Session

from core.market_name import parse
from core.ohlcv import Candles
from core.timeframe import TIMEFRAMES
from db.queries import candles, markets
from db.tables import Market

START_MS = 1_609_459_200_000  # 2021-01-01


def walk(n: int, *, start_ms: int = START_MS, timeframe: str = "1h", seed: int = 7, price: float = 30_000.0) -> Candles:
    """`n` candles without a hole."""
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(rng.normal(0, 0.004, n))), 2)
    opened = np.concatenate((close[:1], close[:-1]))
    wicks = np.abs(rng.normal(0, 0.002, (2, n)))
    return Candles(
        start_ms + TIMEFRAMES[timeframe].ms * np.arange(n, dtype=np.int64),
        opened,
        np.round(np.maximum(opened, close) * (1 + wicks[0]), 2),
        np.round(np.minimum(opened, close) * (1 - wicks[1]), 2),
        close,
        np.round(rng.lognormal(4, 1, n), 3),
    )


def store(
    session: Session,
    name: str,
    made: Candles,
    *,
    timeframe: str = "1h",
    simulated: bool = False,
    followed: bool = False,
) -> Market:
    """The candles under `binance:BTC/USDT`, say. Commits."""
    market = markets.get_or_create(session, parse(name), simulated=simulated, price_decimals=2)
    markets.set_followed(session, market.id, followed)
    candles.upsert(session, market.id, timeframe, made)
    session.commit()
    return market
