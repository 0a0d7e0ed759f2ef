"""P6: storing and upserting 100k candles, beside psycopg2's execute_values."""

from dataclasses import replace

from psycopg2.extras import execute_values
from sqlalchemy.orm import Session

import db.engine
import db.queries.candles as stored
import db.queries.markets as markets
from core import market_name
from core.clock import from_ms
from core.ohlcv import Candles
from tests.bench.table import Row
from tests.bench.timing import database, seconds
from tests.candles import walk

N = 100_000
ROUNDS = 5
INSERT = "INSERT INTO candles (market_id, timeframe, open_time, open, high, low, close, volume) VALUES %s"
UPSERT = f"""{INSERT} ON CONFLICT (market_id, timeframe, open_time) DO UPDATE SET open = excluded.open,
    high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume"""


def by_execute_values(session: Session, sql: str, market_id: int, candles: Candles) -> None:
    columns = (column.tolist() for column in candles.columns())
    rows = [(market_id, "1m", from_ms(ms), *values) for ms, *values in zip(*columns, strict=True)]
    execute_values(session.connection().connection.cursor(), sql, rows, page_size=1_000)


def measure(candles: Candles, revised: Candles, number: int) -> list[float]:
    """Seconds of peer's load, peer's upsert, Bolt's load, Bolt's upsert."""
    with db.engine.session() as session:
        peer, bolt = (
            markets.get_or_create(session, market_name.parse(f"{who}{number}:BTC/USDT")).id for who in ("peer", "bolt")
        )
    steps = (
        lambda session: by_execute_values(session, INSERT, peer, candles),
        lambda session: by_execute_values(session, UPSERT, peer, revised),
        lambda session: stored.upsert(session, bolt, "1m", candles),
        lambda session: stored.upsert(session, bolt, "1m", revised),
    )
    took = []
    for step in steps:
        with db.engine.session() as session:
            took.append(seconds(lambda step=step, session=session: step(session)))
    return took


def run() -> list[Row]:
    candles = walk(N, "1m")
    revised = replace(candles, volume=candles.volume + 1)
    with database():
        rounds = [measure(candles, revised, number) for number in range(ROUNDS)]
    load, upsert, bolt_load, bolt_upsert = (N / sorted(times)[ROUNDS // 2] for times in zip(*rounds, strict=True))
    return [
        Row("P6", "bulk load of 100k candles", "execute_values", load, bolt_load, "rows/s", 5, "more"),
        Row("P6", "upsert of 100k changed candles", "execute_values", upsert, bolt_upsert, "rows/s", 5, "more"),
    ]
