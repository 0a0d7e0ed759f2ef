"""How each exchange answered last, and who stands in for one that is silent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

import db.tables as tables
from core.market_name import MarketName
from db.tables import Market, SourceHealth

SILENT_FOR = timedelta(minutes=3)  # an exchange that does not answer for so long is not waited for any more
WELL_FOR = timedelta(minutes=1)  # one that answers again for so long is believed
WORDS = {"down": "does not answer", "blocked": "refuses this address", "waiting": "asked to be left alone"}


@dataclass(frozen=True, slots=True)
class StandIn:
    """The market `name` serves in place of the market `own`, whose exchange is silent, `since` a moment."""

    market_id: int
    stand_in_id: int
    own: MarketName
    name: MarketName
    reason: str
    since: datetime
    automatic: bool

    @property
    def same_symbol(self) -> bool:
        """False where only a near equivalent was found, such as USD in place of USDT."""
        return self.own.symbol == self.name.symbol


# How exchanges answer


def record(
    session: Session,
    exchange: str,
    state: str,
    *,
    now: datetime,
    detail: str = "",
    latency_ms: float | None = None,
    wait_until: datetime | None = None,
) -> None:
    """Write down an answer: `ok`, `down`, `blocked` or `waiting` (then with `wait_until`)."""
    values = {"state": state, "detail": detail, "latency_ms": latency_ms, "checked_at": now, "wait_until": wait_until}
    well = state == "ok"
    moments = {"since": now, "answered_at": now if well else None, "last_error_at": None if well else now}
    made = insert(SourceHealth).values(exchange=exchange, last_error=None if well else detail, **moments, **values)
    kept = {
        "last_error": func.coalesce(made.excluded.last_error, SourceHealth.last_error),
        "last_error_at": func.coalesce(made.excluded.last_error_at, SourceHealth.last_error_at),
        "answered_at": func.coalesce(made.excluded.answered_at, SourceHealth.answered_at),
        "since": case((SourceHealth.state == state, func.coalesce(SourceHealth.since, now)), else_=now),
    }
    session.execute(made.on_conflict_do_update(index_elements=[SourceHealth.exchange], set_={**values, **kept}))


def get(session: Session, exchange: str) -> SourceHealth | None:
    """The last answer of an exchange, None before the first."""
    query = select(SourceHealth).where(SourceHealth.exchange == exchange)
    return session.scalar(query.execution_options(populate_existing=True))


def all_of_them(session: Session) -> list[SourceHealth]:
    """The last answer of every exchange that was asked, by name."""
    return list(session.scalars(select(SourceHealth).order_by(SourceHealth.exchange)))


def wait_until(session: Session, exchange: str, *, now: datetime) -> datetime | None:
    """Until when an exchange asked to be left alone, where that lies ahead."""
    found = get(session, exchange)
    if found is None or found.wait_until is None or found.wait_until <= now:
        return None
    return found.wait_until


def first_to_tell(session: Session, exchange: str, until: datetime, *, now: datetime) -> bool:
    """True for the one caller that is to tell admins of a ban until then; False while one they know of lasts."""
    untold = SourceHealth.alerted_until.is_(None) | (SourceHealth.alerted_until <= now)
    told = update(SourceHealth).where(SourceHealth.exchange == exchange, untold).values(alerted_until=until)
    return session.scalar(told.returning(SourceHealth.exchange)) is not None


def silent(session: Session, *, now: datetime) -> dict[str, str]:
    """{exchange: why} of those that another one should stand in for: blocked, or without an answer for minutes."""
    return {row.exchange: WORDS[row.state] for row in all_of_them(session) if _is_silent(row, now)}


def _is_silent(row: SourceHealth, now: datetime) -> bool:
    if row.state == "blocked":
        return True
    if row.state == "waiting" and (row.wait_until is None or row.wait_until <= now):
        return False
    return row.state != "ok" and row.since is not None and row.since <= now - SILENT_FOR


def well(session: Session, *, now: datetime) -> set[str]:
    """Exchanges that have answered for a while."""
    return {
        row.exchange
        for row in all_of_them(session)
        if row.state == "ok" and (row.since is None or row.since <= now - WELL_FOR)
    }


# Stand-ins


def stand_ins(session: Session) -> dict[int, StandIn]:
    """{market id: who serves in its place} of all markets that are served by another exchange now."""
    other = aliased(Market)
    query = (
        select(tables.StandIn, Market, other)
        .join(Market, Market.id == tables.StandIn.market_id)
        .join(other, other.id == tables.StandIn.stand_in_id)
        .where(tables.StandIn.ended_at.is_(None))
    )
    return {
        row.market_id: StandIn(
            row.market_id,
            row.stand_in_id,
            MarketName(own.exchange, own.symbol),
            MarketName(name.exchange, name.symbol),
            row.reason,
            row.since,
            row.automatic,
        )
        for row, own, name in session.execute(query.execution_options(populate_existing=True))
    }


def begin(session: Session, market_id: int, stand_in_id: int, *, reason: str, automatic: bool, now: datetime) -> bool:
    """Let a market serve in place of another; False where somebody else has just arranged that."""
    made = insert(tables.StandIn).values(
        market_id=market_id, stand_in_id=stand_in_id, reason=reason, automatic=automatic, since=now
    )
    serving = tables.StandIn.ended_at.is_(None)
    made = made.on_conflict_do_nothing(index_elements=[tables.StandIn.market_id], index_where=serving)
    return session.scalar(made.returning(tables.StandIn.id)) is not None


def end(session: Session, serving: StandIn, *, now: datetime) -> None:
    """Send a stand-in home; one that was followed for this alone is followed no longer, its candles stay."""
    open_ones = tables.StandIn.ended_at.is_(None)
    mine = tables.StandIn.market_id == serving.market_id
    session.execute(update(tables.StandIn).where(mine, open_ones).values(ended_at=now))
    needed = select(tables.StandIn.id).where(tables.StandIn.stand_in_id == serving.stand_in_id, open_ones).limit(1)
    if serving.automatic and session.scalar(needed) is None:
        session.execute(update(Market).where(Market.id == serving.stand_in_id).values(followed=False))
