"""Settling calls: the labels' own code over stored candles, once the last bar of the horizon has closed."""

from collections import defaultdict
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.clock import from_ms, to_ms
from core.errors import NotFound
from core.ohlcv import Candles
from core.timeframe import parse as parse_timeframe
from db.queries import ledger, predictions
from db.tables import Prediction
from market import candles as market_candles
from ml import evaluation, labels
from ml.card import CLASSES
from ml.finer import reader

PATIENCE = timedelta(days=30)  # how long a hole in the candles may be filled before its calls stay open for good


def settle_due(session: Session, *, now: datetime) -> int:
    """Write the outcome of every call whose time is up and whose path is stored without a hole; how many."""
    return predictions.settle(session, _known(session, predictions.due(session, now, since=now - PATIENCE), now))


def overdue(session: Session, *, now: datetime) -> list[int]:
    """Ids of calls that could have been settled two bars ago and were not: the job that settles does not run."""
    calls = predictions.due(session, now, since=now - PATIENCE)
    late = [c for c in calls if c.due_at + ledger.LATE_BARS * (c.outcome_from - c.closed_at) < now]
    return sorted(row["prediction_id"] for row in _known(session, late, now))


def _known(session: Session, calls: list[Prediction], now: datetime) -> list[dict[str, Any]]:
    """What became of calls, series by series."""
    series: dict[tuple[int, str], list[Prediction]] = defaultdict(list)
    for call in calls:
        series[call.market_id, call.timeframe].append(call)
    found = []
    for (market_id, timeframe), mine in series.items():
        step = parse_timeframe(timeframe).ms
        bars = (to_ms(now) - min(to_ms(c.open_time) for c in mine)) // step + 2
        try:
            candles = market_candles.latest(session, market_id, timeframe, bars, now_ms=to_ms(now))
        except NotFound:  # removed since: these calls wait, those of other series do not
            continue
        finer = reader(lambda: nullcontext(session), market_id, timeframe)
        found += outcomes(candles, mine, step_ms=step, finer=finer)
    return found


def outcomes(
    candles: Candles, calls: list[Prediction], *, step_ms: int, finer: labels.Finer | None = None
) -> list[dict[str, Any]]:
    """What became of calls on one series; those whose path is not complete are left out."""
    found: list[dict[str, Any]] = []
    for horizon in sorted({c.horizon for c in calls}):
        found += _of_horizon(candles, [c for c in calls if c.horizon == horizon], horizon, step_ms, finer)
    return found


def _of_horizon(
    candles: Candles, calls: list[Prediction], horizon: int, step_ms: int, finer: labels.Finer | None
) -> list[dict[str, Any]]:
    opens = np.array([to_ms(c.open_time) for c in calls], dtype=np.int64)
    at = np.searchsorted(candles.time, opens)
    there = at < len(candles)
    there[there] = candles.time[at[there]] == opens[there]
    calls, at = [c for c, ok in zip(calls, there, strict=True) if ok], at[there]
    if not calls:
        return []
    upper, lower = (np.array([getattr(c, f"{side}_factor") for c in calls]) for side in ("upper", "lower"))
    path = labels.touch(candles, at, upper, lower, horizon=horizon, step_ms=step_ms, finer=finer)
    p = np.array([[c.p_bearish, c.p_neutral, c.p_bullish] for c in calls])
    y = evaluation.settled(path.y, path.ambiguous, p)
    losses, briers = evaluation.log_losses(p, y), evaluation.briers(p, y)
    return [
        {
            "prediction_id": call.id,
            "outcome": CLASSES[y[n]],
            "entry": float(path.entry[n]),
            "log_return": float(path.ret[n]),
            "ambiguous": bool(path.ambiguous[n]),
            "t1": from_ms(int(candles.time[path.end[n]])),
            "log_loss": float(losses[n]),
            "brier": float(briers[n]),
        }
        for n, call in enumerate(calls)
        if path.known[n]
    ]
