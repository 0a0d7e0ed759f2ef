"""Series that broke: seen while fetching, decided by a person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.market_name import MarketName
from db.queries import markets, trained_models
from db.tables import Market, Series, SeriesBreak, TrainedModel

UNDECIDED = ("paused", "apart")


@dataclass(frozen=True, slots=True)
class BreakRow:
    """A break with the market it is in."""

    market: Market
    found: SeriesBreak


@dataclass(frozen=True, slots=True)
class Parted:
    """The new coin's `market`, the name the old one is `kept` under, and versions that `stopped` calling, by title."""

    market: Market
    kept: str
    stopped: tuple[str, ...]


def note(
    session: Session,
    market_id: int,
    timeframe: str,
    *,
    old_last: datetime,
    new_first: datetime,
    old_close: float,
    new_open: float,
    state: str,
    now: datetime,
) -> None:
    """Write a break down, `paused` or `apart`; one that stands there already keeps what was decided."""
    made = insert(SeriesBreak).values(
        market_id=market_id,
        timeframe=timeframe,
        old_last=old_last,
        new_first=new_first,
        old_close=old_close,
        new_open=new_open,
        state=state,
        seen_at=now,
    )
    session.execute(made.on_conflict_do_nothing())


def joined(session: Session, market_id: int, timeframe: str) -> set[datetime]:
    """First candles after holes of which somebody said that the coin is the same on both sides."""
    query = select(SeriesBreak.new_first).filter_by(market_id=market_id, timeframe=timeframe, state="joined")
    return set(session.scalars(query))


def paused(session: Session) -> set[tuple[int, str]]:
    """(market id, timeframe) of series that take no new candles until somebody has decided."""
    query = select(SeriesBreak.market_id, SeriesBreak.timeframe).where(SeriesBreak.state == "paused")
    return {(market_id, timeframe) for market_id, timeframe in session.execute(query)}


def count_paused(session: Session) -> int:
    """How many series wait for a decision."""
    found = session.scalar(select(func.count()).select_from(SeriesBreak).where(SeriesBreak.state == "paused"))
    return int(found or 0)


def latest(session: Session, *, limit: int = 100) -> list[BreakRow]:
    """Breaks that wait for a decision first, then the newest."""
    query = select(Market, SeriesBreak).join(Market, Market.id == SeriesBreak.market_id)
    order = (SeriesBreak.state == "paused").desc(), SeriesBreak.seen_at.desc(), SeriesBreak.timeframe
    return [BreakRow(market, found) for market, found in session.execute(query.order_by(*order).limit(limit))]


def join(session: Session, market_id: int, *, now: datetime) -> int:
    """One coin on both sides: the series goes on, and older candles are fetched again. Returns how many breaks."""
    open_ones = SeriesBreak.market_id == market_id, SeriesBreak.state.in_(UNDECIDED)
    decided = update(SeriesBreak).where(*open_ones).values(state="joined", decided_at=now)
    frames = list(session.scalars(decided.returning(SeriesBreak.timeframe)))
    reached = update(Series).where(Series.market_id == market_id, Series.timeframe.in_(frames))
    session.execute(reached.values(asked_back_to=None))
    if not frames:
        raise NotFound("No series of this market waits for a decision.")
    return len(frames)


def part(session: Session, market_id: int, *, now: datetime) -> Parted:
    """Two coins: the old one keeps its candles, its calls and its models under a name of its own.

    The old market becomes `LUNA.2022/USDT`, after the year of its last candle, and is followed no longer. The new one
    has the symbol, and what was to be fetched of it. What was trained on the old coin never calls the new one: versions
    know it by its kept name from now on, and a champion that knew nothing else is retired.
    Raises NotFound without a paused series, Conflict for a name that is taken.
    """
    query = select(SeriesBreak).filter_by(market_id=market_id, state="paused").order_by(SeriesBreak.old_last.desc())
    waiting = list(session.scalars(query))
    if not waiting:
        raise NotFound("No series of this market waits for a decision.")
    old = markets.by_id(session, market_id)
    name = MarketName(old.exchange, old.symbol)
    kept = f"{name.base}.{waiting[0].old_last.year}/{name.quote}"
    if session.scalar(select(Market.id).where(Market.exchange == old.exchange, Market.symbol == kept)) is not None:
        raise Conflict(f"There is a market {old.exchange}:{kept} already. Rename that one first.")
    followed, wanted = old.followed, old.timeframes
    old.symbol, old.followed = kept, False
    for found in waiting:
        found.state, found.decided_at = "apart", now
    session.flush()
    new = markets.get_or_create(session, name, price_decimals=old.price_decimals)
    new.followed, new.timeframes = followed, wanted
    stopped = _stop_calls(session, str(name), f"{name.exchange}:{kept}", now=now)
    session.flush()
    return Parted(new, f"{name.exchange}:{kept}", tuple(stopped))


def _stop_calls(session: Session, name: str, kept: str, *, now: datetime) -> list[str]:
    """Let versions that were trained on `name` know it as `kept`; returns the champions among them by title."""
    query = select(TrainedModel).where(TrainedModel.markets.contains([name])).order_by(TrainedModel.id)
    stopped = []
    for model in session.scalars(query.with_for_update()):
        model.markets = [kept if one == name else one for one in model.markets]
        if model.state != trained_models.CHAMPION:
            continue
        stopped.append(f"{model.name} v{model.version}")
        if len(model.markets) == 1:
            model.state, model.proven, model.demoted_at = trained_models.RETIRED, False, now
            model.demoted_because = f"{name} is another coin now; this version was trained on the one kept as {kept}."
    return stopped
