"""What is known of one stored candle, or of the place where one is missing. Nothing is guessed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.timeframe import Timeframe
from db.queries import deliveries, revisions
from db.tables import Candle, CandleDelivery, CandleRevision, Gap, Import, Series

FILES = 20  # imports of a series that are named


@dataclass(frozen=True, slots=True)
class Provenance:
    """`candle` is None where none is stored; `gap` is the hole that covers this place, filled or not.

    `revised` are its changes, oldest first; `files` the imports of its series, newest first; `series` what is stored.
    `delivery` is how the candle as it stands came, None where that was not written down.
    """

    candle: Candle | None
    gap: Gap | None
    revised: tuple[CandleRevision, ...]
    files: tuple[Import, ...]
    series: Series | None
    delivery: CandleDelivery | None = None

    @property
    def fetched(self) -> bool | None:
        """True where its exchange gave it, False where only a file can have; None where either may have."""
        if self.delivery is not None:
            return self.delivery.source != "import"
        if any(row.source for row in self.revised) or (self.gap is not None and self.gap.state == "filled"):
            return True
        asked = self.series is not None and self.series.asked_back_to is not None
        if not self.files:
            return True
        return None if asked else False


def of_candle(session: Session, market_id: int, frame: Timeframe, open_time: datetime) -> Provenance:
    """Six look-ups by key."""
    key = {"market_id": market_id, "timeframe": frame.name}
    step = timedelta(milliseconds=frame.ms)
    holes = select(Gap).filter_by(**key).where(Gap.first_missing <= open_time)
    hole = session.scalar(holes.order_by(Gap.first_missing.desc()).limit(1))
    files = select(Import).filter_by(**key).order_by(Import.id.desc()).limit(FILES)
    candle = session.get(Candle, (market_id, frame.name, open_time), populate_existing=True)
    return Provenance(
        candle=candle,
        gap=hole if hole is not None and hole.first_missing + hole.count * step > open_time else None,
        revised=tuple(revisions.of_candle(session, market_id, frame.name, open_time)),
        files=tuple(session.scalars(files)),
        series=session.get(Series, (market_id, frame.name), populate_existing=True),
        delivery=deliveries.of_candle(session, market_id, frame.name, open_time) if candle else None,
    )
