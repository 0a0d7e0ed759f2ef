"""Why a row of the board on the Predictions page holds no newer call, and which followed markets nothing calls."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

import db.queries.jobs
from core.clock import from_ms
from core.jobs import PREDICT_DUE
from core.timeframe import parse as parse_timeframe
from db.queries.markets import MarketRow
from layouts.components import numbers
from layouts.components.uncalled import Uncalled

ROUNDS = 5  # the newest may still run; the last one that ended says what it met


def last_round(session: Session) -> dict[str, Any]:
    """What the latest round of calls that ended has met; empty before the first one."""
    rounds = db.queries.jobs.latest(session, name=PREDICT_DUE.name, limit=ROUNDS)
    return next((dict(job.result) for job in rounds if job.result is not None), {})


def refusals(met: Mapping[str, Any]) -> dict[str, str]:
    """`exchange:symbol timeframe` → why its last closed candle was not called."""
    return {str(key): str(sentence) for key, sentence in dict(met.get("refused", {})).items()}


def no_newer(market: MarketRow | None, timeframe: str) -> str:
    """Why a call whose horizon is over is still the latest one, where no round of calls has said so."""
    frame = parse_timeframe(timeframe)
    sources = [s for s in market.series.values() if parse_timeframe(s.timeframe).divides(frame)] if market else []
    if not sources:
        return "No newer call: no candles of this market are stored any more."
    end = max(s.last_ms + parse_timeframe(s.timeframe).ms for s in sources)
    return f"No newer call: the last stored candle closed {numbers.exact_moment(from_ms(end))}."


def stale_days(trained_at: datetime, *, now: datetime, most: int) -> int | None:
    """Days since the training where they are more than a model may be old; None for a younger one."""
    return (now - trained_at).days if now - trained_at >= timedelta(days=most) else None


def uncalled(
    markets: Iterable[MarketRow], shown: set[str], refused: Mapping[str, str], *, stand_in: bool
) -> list[Uncalled]:
    """Followed markets that are in no other row. `stand_in`: a champion serves that may call simulated markets too."""
    rows = []
    for market in markets:
        if not market.followed or market.name.path in shown:
            continue
        said = next((why for key, why in refused.items() if key.startswith(f"{market.name} ")), "")
        waits = "Its first call is made when its next candle closes." if stand_in and market.simulated else ""
        rows.append(Uncalled(market.name.path, market.exchange, market.symbol, market.simulated, why=said or waits))
    return sorted(rows, key=lambda row: (row.simulated, row.symbol, row.exchange))
