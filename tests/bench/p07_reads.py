"""P7: the latest 1,000 candles, and 100k candles into NumPy, beside psycopg2's fetchall and pandas' read_sql."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

import db.engine
import db.queries.candles as stored
import db.queries.markets as markets
from core import market_name
from tests.bench.table import Row
from tests.bench.timing import database, median_ms
from tests.candles import walk

N = 100_000
QUERY = """SELECT open_time, open, high, low, close, volume FROM candles
           WHERE market_id = {} AND timeframe = '1m' ORDER BY open_time DESC LIMIT {}"""


def by_fetchall(session: Session, market_id: int, n: int) -> object:
    cursor = session.connection().connection.cursor()
    cursor.execute(QUERY.format(market_id, n))
    rows = cursor.fetchall()
    return [np.array(column) for column in zip(*rows, strict=True)]


def by_pandas(session: Session, market_id: int, n: int) -> object:
    return pd.read_sql(text(QUERY.format(market_id, n)), session.connection())


def run() -> list[Row]:
    with database(), db.engine.session() as session:
        market_id = markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id
        stored.upsert(session, market_id, "1m", walk(N, "1m"))
        session.execute(text("ANALYZE candles"))
        return [
            *compare(session, market_id, 1_000, 2, lambda: stored.read(session, market_id, "1m", limit=1_000)),
            *compare(session, market_id, N, 10, lambda: stored.read(session, market_id, "1m")),
        ]


def compare(session: Session, market_id: int, n: int, goal: float, bolt: Callable[[], object]) -> list[Row]:
    what = "latest 1,000 candles" if n < N else "100k candles into NumPy"
    repeat = 41 if n < N else 7
    mine = median_ms(bolt, repeat)
    fetched = median_ms(lambda: by_fetchall(session, market_id, n), repeat)
    framed = median_ms(lambda: by_pandas(session, market_id, n), repeat)
    return [
        Row("P7", what, "psycopg2 fetchall", fetched, mine, "ms", goal),
        Row("P7", what, "pandas read_sql", framed, mine, "ms", 1),
    ]
