"""The markets that exchanges say they have, beside those that are stored here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.market_name import MarketName
from db.queries import coin_names
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
    """Stored and listed markets whose name, or whose coin's, holds `text`; best first: "btcusd" finds BTC/USDT."""
    found, rank = coin_names.matching(session, text, EXCHANGE, SYMBOL)
    columns = (EXCHANGE, SYMBOL, Market.id, Market.followed, Market.simulated, Listing.exchange.is_not(None))
    query = _found(select(*columns), found, exchange)
    stored_first = (func.coalesce(Market.followed, False).desc(), Market.id.is_(None))
    query = query.order_by(rank, *stored_first, SYMBOL, EXCHANGE).offset(start).limit(limit)
    return [
        ListingRow(exchange_, symbol_, key, bool(followed), bool(simulated), bool(listed))
        for exchange_, symbol_, key, followed, simulated, listed in session.execute(query)
    ]


def count(session: Session, text: str, *, exchange: str | None = None) -> int:
    """How many markets `search` finds in all."""
    found, _ = coin_names.matching(session, text, EXCHANGE, SYMBOL)
    return int(session.scalar(_found(select(func.count()), found, exchange)) or 0)


def _found(query: Any, found: ColumnElement[bool], exchange: str | None) -> Any:
    same: ColumnElement[bool] = and_(Market.exchange == Listing.exchange, Market.symbol == Listing.symbol)
    query = query.select_from(Listing).outerjoin(Market, same, full=True).where(found)
    return query if exchange is None else query.where(exchange == EXCHANGE)
