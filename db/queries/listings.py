"""The markets that exchanges say they have, beside those that are stored here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.market_name import MarketName
from db.tables import Listing, Market

EXCHANGE = func.coalesce(Market.exchange, Listing.exchange)
SYMBOL = func.coalesce(Market.symbol, Listing.symbol)


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A market of an exchange. `market_id` is None where nothing of it is stored; `listed`: its exchange has it."""

    exchange: str
    symbol: str
    market_id: int | None
    followed: bool
    simulated: bool
    listed: bool

    @property
    def name(self) -> MarketName:
        return MarketName(self.exchange, self.symbol)


def put(session: Session, exchange: str, symbols: Mapping[str, int | None], *, now: datetime) -> None:
    """Replace what an exchange lists: {symbol: decimals of its prices, None where it does not say}."""
    session.execute(delete(Listing).where(Listing.exchange == exchange, Listing.symbol.not_in(list(symbols))))
    rows = [{"exchange": exchange, "symbol": s, "price_decimals": d, "seen_at": now} for s, d in symbols.items()]
    if rows:
        made = insert(Listing)
        changed = {name: made.excluded[name] for name in ("price_decimals", "seen_at")}
        session.execute(made.on_conflict_do_update(index_elements=["exchange", "symbol"], set_=changed), rows)


def last_seen(session: Session) -> dict[str, tuple[int, datetime]]:
    """How many markets each exchange lists, and when it said so last."""
    query = select(Listing.exchange, func.count(), func.max(Listing.seen_at)).group_by(Listing.exchange)
    return {exchange: (n, at) for exchange, n, at in session.execute(query)}


def search(
    session: Session, text: str, *, exchange: str | None = None, start: int = 0, limit: int = 50
) -> list[ListingRow]:
    """Markets whose name holds the letters of `text`, stored and listed ones; best first: "btcusd" finds BTC/USDT."""
    needle, symbol = _needle(text), func.lower(func.replace(SYMBOL, "/", ""))
    rank: ColumnElement[int] = case(
        (func.lower(func.split_part(SYMBOL, "/", 1)) == needle, 0), (symbol.startswith(needle), 1), else_=2
    )
    columns = (EXCHANGE, SYMBOL, Market.id, Market.followed, Market.simulated, Listing.exchange.is_not(None))
    query = _matching(select(*columns), needle, exchange)
    stored_first = (func.coalesce(Market.followed, False).desc(), Market.id.is_(None))
    query = query.order_by(rank, *stored_first, SYMBOL, EXCHANGE).offset(start).limit(limit)
    return [
        ListingRow(exchange_, symbol_, key, bool(followed), bool(simulated), bool(listed))
        for exchange_, symbol_, key, followed, simulated, listed in session.execute(query)
    ]


def count(session: Session, text: str, *, exchange: str | None = None) -> int:
    """How many markets `search` finds in all."""
    return int(session.scalar(_matching(select(func.count()), _needle(text), exchange)) or 0)


def _needle(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _matching(query: Any, needle: str, exchange: str | None) -> Any:
    same: ColumnElement[bool] = and_(Market.exchange == Listing.exchange, Market.symbol == Listing.symbol)
    query = query.select_from(Listing).outerjoin(Market, same, full=True)
    symbol = func.lower(func.replace(SYMBOL, "/", ""))
    whole = func.lower(func.replace(EXCHANGE, "_", "")).concat(symbol)
    query = query.where(whole.contains(needle) | symbol.contains(needle))
    return query if exchange is None else query.where(exchange == EXCHANGE)
