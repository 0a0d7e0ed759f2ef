"""What must hold whatever happened: `python -m dashapp check` reads it after every fault."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from core.timeframe import TIMEFRAMES
from db.tables import TrainedModel

SHOWN = 20  # rows of each breach that are listed

NOT_OHLCV = (
    "NOT (low > 0 AND low <= LEAST(open, close) AND high >= GREATEST(open, close) AND high < 'Infinity'::float8"
    " AND volume >= 0 AND volume < 'Infinity'::float8)"
)
WHERE = "FROM candles c JOIN markets m ON m.id = c.market_id WHERE c.timeframe = :timeframe AND"
NAME = "m.exchange || ':' || m.symbol || ' ' || c.timeframe || ' ' || to_char(c.open_time, 'YYYY-MM-DD HH24:MI:SS')"
# Put together from the words above alone, hence no S608 below.
OFF_GRID = text(f"SELECT {NAME} {WHERE} mod((extract(epoch FROM c.open_time) * 1000)::bigint - :phase, :step) <> 0")  # noqa: S608
BAD_VALUES = text(f"SELECT {NAME} {WHERE} {NOT_OHLCV}")
TWICE = text(f"SELECT {NAME} {WHERE} true GROUP BY m.exchange, m.symbol, c.timeframe, c.open_time HAVING count(*) > 1")
SILENT_JOBS = text(  # a running job that has not beaten for two minutes belongs to nobody
    "SELECT id || ' (' || name || ', attempt ' || attempt || ')' FROM jobs WHERE state = 'running'"
    " AND (heartbeat_at IS NULL OR heartbeat_at < now() - interval '120 seconds')"
)


@dataclass(frozen=True, slots=True)
class Champion:
    """A model whose files must be there: `manifest` maps each file of `folder` to its SHA-256."""

    title: str
    folder: str
    manifest: dict[str, Any]


def candles(session: Session) -> list[str]:
    """I6: one candle per market, timeframe and open time, on its grid, with values that can be a candle's."""
    breaches = []
    for timeframe in TIMEFRAMES.values():
        grid = {"timeframe": timeframe.name, "phase": timeframe.offset_ms, "step": timeframe.ms}
        breaches += _listed(session, "I6 off the grid", OFF_GRID, grid)
        breaches += _listed(session, "I6 no candle", BAD_VALUES, {"timeframe": timeframe.name})
        breaches += _listed(session, "I6 stored twice", TWICE, {"timeframe": timeframe.name})
    return breaches


def jobs(session: Session) -> list[str]:
    """I7: no job runs without a heartbeat."""
    return _listed(session, "I7 runs without a heartbeat", SILENT_JOBS, {})


def champions(session: Session) -> list[Champion]:
    """The models I9 is about; whoever has the models folder compares their files."""
    rows = session.scalars(select(TrainedModel).where(TrainedModel.state == "champion").order_by(TrainedModel.id))
    return [Champion(f"{row.name} v{row.version}", row.folder, row.manifest) for row in rows]


def _listed(session: Session, what: str, query: TextClause, values: dict[str, Any]) -> list[str]:
    found = list(session.execute(query, values).scalars())
    more = [f"{what}: {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [f"{what}: {row}" for row in found[:SHOWN]] + more
