"""Coins as CoinGecko lists them, and our prices beside its."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

import db.tables as tables
from db.tables import PriceCheck


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin by its symbol; amounts in US dollars. `namesakes` are smaller coins of the same symbol."""

    id: str
    symbol: str
    name: str
    market_cap: float | None
    rank: int | None
    price_usd: float | None
    updated_at: datetime
    namesakes: int


def store(session: Session, rows: Iterable[dict[str, Any]]) -> int:
    """Write coins (the columns of `coins`) as they are told now; returns how many."""
    values = list({row["id"]: row for row in rows}.values())
    if not values:
        return 0
    made = insert(tables.Coin).values(values)
    told = {name: made.excluded[name] for name in values[0] if name != "id"}
    session.execute(made.on_conflict_do_update(index_elements=[tables.Coin.id], set_=told))
    return len(values)


def caps(session: Session, symbols: Iterable[str]) -> dict[str, Coin]:
    """{symbol: the coin of that symbol with the highest market capitalisation}; unknown symbols are left out.

    Symbols are shared by many coins: `name` and `id` say which one was taken.
    """
    wanted = {symbol.upper() for symbol in symbols}
    order = tables.Coin.market_cap.desc().nulls_last(), tables.Coin.rank.asc().nulls_last(), tables.Coin.id
    place = func.row_number().over(partition_by=tables.Coin.symbol, order_by=order)
    others = func.count().over(partition_by=tables.Coin.symbol) - 1
    ranked = select(tables.Coin, place.label("place"), others.label("namesakes"))
    ranked = ranked.where(tables.Coin.symbol.in_(wanted))
    found: dict[str, Coin] = {}
    for coin, number, namesakes in session.execute(ranked.execution_options(populate_existing=True)):
        if number == 1:
            found[coin.symbol] = Coin(
                coin.id,
                coin.symbol,
                coin.name,
                coin.market_cap,
                coin.rank,
                coin.price_usd,
                coin.updated_at,
                int(namesakes),
            )
    return found


def store_rates(session: Session, per_dollar: Mapping[str, float], *, asked_at: datetime) -> int:
    """Keep what a US dollar is worth in other currencies, each from when it was asked last; returns how many."""
    if not per_dollar:
        return 0
    rows = [{"currency": code, "per_dollar": value, "asked_at": asked_at} for code, value in per_dollar.items()]
    made = insert(tables.ExchangeRate).values(rows)
    told = {name: made.excluded[name] for name in ("per_dollar", "asked_at")}
    session.execute(made.on_conflict_do_update(index_elements=[tables.ExchangeRate.currency], set_=told))
    return len(rows)


def newest_rate(session: Session) -> datetime | None:
    """When rates were asked for last."""
    return session.scalar(select(func.max(tables.ExchangeRate.asked_at)))


def rate(session: Session, code: str) -> tables.ExchangeRate | None:
    """The last known rate of a currency; None where it was never told, as for the dollar itself."""
    return session.get(tables.ExchangeRate, code)


def check(
    session: Session, market_id: int, coin: Coin, ours: float, *, limit: float, now: datetime
) -> PriceCheck | None:
    """Write our price beside CoinGecko's, flagged where they differ by more than `limit` (0.03 is 3 %)."""
    if not coin.price_usd or not ours > 0:
        return None
    difference = ours / coin.price_usd - 1
    values = {
        "coin_id": coin.id,
        "ours": ours,
        "theirs": coin.price_usd,
        "difference": difference,
        "flagged": abs(difference) > limit,
        "checked_at": now,
    }
    made = insert(PriceCheck).values(market_id=market_id, **values)
    session.execute(made.on_conflict_do_update(index_elements=[PriceCheck.market_id], set_=values))
    return session.get_one(PriceCheck, market_id, populate_existing=True)


def checks(session: Session) -> dict[int, PriceCheck]:
    """{market id: the latest comparison}."""
    return {row.market_id: row for row in session.scalars(select(PriceCheck))}
