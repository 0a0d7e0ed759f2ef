"""Markets found by what people call a coin: "bitcoin" finds those of BTC. Every search of markets asks here."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, select
from sqlalchemy.orm import Session

from core.coin_names import NAMES
from db.queries import coins
from db.tables import Coin

LEAST = 3  # letters of a name that are looked for; fewer are those of a symbol


def of(session: Session, symbols: Iterable[str]) -> dict[str, str]:
    """{symbol: what its largest coin is called}; symbols nobody knows are left out."""
    wanted = set(symbols)
    told = {symbol: coin.name for symbol, coin in coins.caps(session, wanted).items()}
    return {symbol: NAMES[symbol] for symbol in wanted if symbol in NAMES} | told


def called(session: Session, text: str) -> dict[str, bool]:
    """{symbol: whether `text` is its whole name} of coins whose name, or a word of it, begins with `text`.

    Of coins that share a symbol the largest counts: it is what its markets trade.
    """
    needle = letters(text)
    if len(needle) < LEAST:
        return {}
    order = Coin.market_cap.desc().nulls_last(), Coin.rank.asc().nulls_last(), Coin.id
    largest = select(Coin.symbol, Coin.name).distinct(Coin.symbol).order_by(Coin.symbol, *order).subquery()
    whole = func.regexp_replace(func.lower(largest.c.name), "[^a-z0-9]", "", "g")
    word = func.lower(largest.c.name).op("~")(f"[^a-z0-9]{needle}")
    query = select(largest.c.symbol, whole == needle).where(whole.startswith(needle) | word)
    told: dict[str, bool] = dict(session.execute(query).tuples().all())
    known = {symbol: letters(name) == needle for symbol, name in NAMES.items() if _begins(name, needle)}
    return known | told


def matching(
    session: Session, text: str, exchange: SQLColumnExpression[Any], symbol: SQLColumnExpression[Any]
) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """(which markets `text` finds, how well: the least first) for the columns of an exchange and a symbol.

    It finds by the letters of exchange and symbol, so that "btcusd" and "kraken btc" find BTC/USDT, and by the coin's
    name.
    """
    needle, names = letters(text), called(session, text)
    base, joined = func.split_part(symbol, "/", 1), func.lower(func.replace(symbol, "/", ""))
    exactly = [one for one, exact in names.items() if exact]
    found = func.lower(func.replace(exchange, "_", "")).concat(joined).contains(needle) | joined.contains(needle)
    rank: ColumnElement[int] = case(
        ((func.lower(base) == needle) | base.in_(exactly), 0),
        (joined.startswith(needle), 1),
        (base.in_(list(names)), 2),
        else_=3,
    )
    return found | base.in_(list(names)), rank


def letters(text: str) -> str:
    """Small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _begins(name: str, needle: str) -> bool:
    return letters(name).startswith(needle) or any(word.startswith(needle) for word in name.lower().split())
