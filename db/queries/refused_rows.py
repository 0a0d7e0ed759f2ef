"""Rows that exchanges told and Bolt did not store, counted by series, source and reason."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables import Market, RefusedRow


@dataclass(frozen=True, slots=True)
class RefusedOf:
    """A count with the market it is of."""

    market: Market
    row: RefusedRow


def add(
    session: Session,
    exchange: str,
    symbol: str,
    timeframe: str,
    source: str,
    reasons: dict[str, int],
    *,
    now: datetime,
) -> None:
    """Count refused rows by the words of their reasons; those of a market Bolt does not know are nobody's."""
    market_id = session.scalar(select(Market.id).filter_by(exchange=exchange, symbol=symbol))
    for reason, n in sorted(reasons.items()) if market_id is not None else ():
        made = insert(RefusedRow).values(
            market_id=market_id, timeframe=timeframe, source=source, reason=reason, n=n, last_at=now
        )
        key = [RefusedRow.market_id, RefusedRow.timeframe, RefusedRow.source, RefusedRow.reason]
        more = {"n": RefusedRow.n + made.excluded.n, "last_at": made.excluded.last_at}
        session.execute(made.on_conflict_do_update(index_elements=key, set_=more))


def latest(session: Session, *, limit: int = 100) -> list[RefusedOf]:
    """The counts, those that grew last first."""
    query = select(Market, RefusedRow).join(Market, Market.id == RefusedRow.market_id)
    query = query.order_by(RefusedRow.last_at.desc(), Market.symbol, RefusedRow.reason).limit(limit)
    return [RefusedOf(market, row) for market, row in session.execute(query)]
