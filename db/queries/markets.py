"""Markets and what is stored of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import to_ms
from core.errors import NotFound
from core.market_name import MarketName
from core.timeframe import TIMEFRAMES
from core.timeframe import parse as parse_timeframe
from db.queries import coin_names
from db.tables import Market, Series, StandIn

USUAL = ("1h", "5m", "1m")  # fetched of a followed market; other timeframes are built of them


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What is stored of a market at a timeframe; `first_ms` and `last_ms` are open times, ms UTC.

    `pyramid`: its coarser candles are stored too.
    """

    timeframe: str
    rows: int
    first_ms: int
    last_ms: int
    gaps: int
    missing: int
    flagged: int
    updated_at: datetime
    pyramid: bool = False


@dataclass(frozen=True, slots=True)
class MarketRow:
    """A market with its stored series, shortest timeframe first."""

    id: int
    exchange: str
    symbol: str
    simulated: bool
    followed: bool
    price_decimals: int | None
    series: dict[str, SeriesRow]

    @property
    def name(self) -> MarketName:
        return MarketName(self.exchange, self.symbol)


def get(session: Session, name: MarketName) -> Market:
    """The market called `name`; raises NotFound."""
    found = _find(session, name)
    if found is None:
        raise NotFound(f"There is no market {name} here yet. Import candles for it, or follow it on the Markets page.")
    return found


def by_id(session: Session, market_id: int) -> Market:
    """The market with this id; raises NotFound."""
    found = session.get(Market, market_id)
    if found is None:
        raise NotFound("This market does not exist any more. Choose another one on the Markets page.")
    return found


def get_or_create(
    session: Session, name: MarketName, *, simulated: bool = False, price_decimals: int | None = None
) -> Market:
    """The market called `name`, made when it is missing; two callers at once get the same row.

    `simulated` counts only when the market is made. A given `price_decimals` replaces the stored one.
    """
    found = _find(session, name)
    if found is None:
        made = insert(Market).values(
            exchange=name.exchange, symbol=name.symbol, simulated=simulated, price_decimals=price_decimals
        )
        session.execute(made.on_conflict_do_nothing(index_elements=[Market.exchange, Market.symbol]))
        found = get(session, name)
    if price_decimals is not None and found.price_decimals != price_decimals:
        found.price_decimals = price_decimals
        session.flush()
    return found


def table(session: Session) -> list[MarketRow]:
    """Every market with its series, by symbol and exchange."""
    return _rows(session, session.scalars(select(Market).order_by(Market.symbol, Market.exchange)))


def page(session: Session, *, after: tuple[str, str] = ("", ""), limit: int) -> list[MarketRow]:
    """The `limit` markets that follow (symbol, exchange) in the table's order, with their series."""
    place = Market.symbol, Market.exchange
    query = select(Market).where(tuple_(*place) > tuple_(*after)).order_by(*place)
    return _rows(session, session.scalars(query.limit(limit)))


def named(session: Session, symbol: str) -> list[Market]:
    """The markets of one symbol at every exchange that has it."""
    return list(session.scalars(select(Market).where(Market.symbol == symbol).order_by(Market.exchange)))


def search(session: Session, text: str, limit: int = 50) -> list[MarketRow]:
    """Markets whose name, or whose coin's, holds `text`: "btcusd" and "bitcoin" find BTC/USDT. Best first."""
    found, rank = coin_names.matching(session, text, Market.exchange, Market.symbol)
    query = select(Market).where(found).order_by(rank, Market.followed.desc(), Market.symbol, Market.exchange)
    return _rows(session, session.scalars(query.limit(limit)))


def set_followed(session: Session, market_id: int, on: bool) -> None:
    """Say whether new candles of this market are fetched.

    A market that is followed only to stand in for another one stays followed from then on.
    """
    by_id(session, market_id).followed = on
    session.flush()
    if on:
        serving = StandIn.stand_in_id == market_id, StandIn.ended_at.is_(None)
        session.execute(update(StandIn).where(*serving).values(automatic=False))


def set_timeframes(session: Session, market_id: int, names: Sequence[str] | None) -> None:
    """Say which timeframes are fetched while the market is followed; None for the usual ones. Raises Refused."""
    for name in names or ():
        parse_timeframe(name)
    by_id(session, market_id).timeframes = ",".join(n for n in TIMEFRAMES if n in names) if names else None
    session.flush()


def timeframes_of(market: Market) -> tuple[str, ...]:
    """The timeframes that are fetched while it is followed."""
    return tuple(market.timeframes.split(",")) if market.timeframes else USUAL


def followed(session: Session) -> list[Market]:
    """The markets whose candles are kept up to date."""
    return list(session.scalars(select(Market).where(Market.followed).order_by(Market.exchange, Market.symbol)))


def series_of(session: Session, market_id: int) -> dict[str, SeriesRow]:
    """What is stored of one market, shortest timeframe first."""
    return _series(session, [market_id]).get(market_id, {})


def _find(session: Session, name: MarketName) -> Market | None:
    return session.scalar(select(Market).where(Market.exchange == name.exchange, Market.symbol == name.symbol))


def _rows(session: Session, found: Iterable[Market]) -> list[MarketRow]:
    markets = list(found)
    series = _series(session, [m.id for m in markets])
    return [
        MarketRow(m.id, m.exchange, m.symbol, m.simulated, m.followed, m.price_decimals, series.get(m.id, {}))
        for m in markets
    ]


def _series(session: Session, market_ids: list[int]) -> dict[int, dict[str, SeriesRow]]:
    """Series by market and timeframe; a series that holds nothing is left out."""
    query = select(Series).where(Series.market_id.in_(market_ids), Series.rows > 0)
    found: dict[int, dict[str, SeriesRow]] = {}
    rows = session.scalars(query.execution_options(populate_existing=True))
    for s in sorted(rows, key=lambda s: TIMEFRAMES[s.timeframe].ms):
        if s.first_open is None or s.last_open is None:
            continue
        found.setdefault(s.market_id, {})[s.timeframe] = SeriesRow(
            s.timeframe,
            s.rows,
            to_ms(s.first_open),
            to_ms(s.last_open),
            s.gaps,
            s.missing,
            s.flagged,
            s.updated_at,
            s.pyramid,
        )
    return found
