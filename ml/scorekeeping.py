"""Keeping score: what rules said beside settled calls, and the scorecards that follow. Runs after settling."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Row
from sqlalchemy.orm import Session

from core import ohlcv
from core.clock import to_ms
from core.errors import NotFound
from core.ohlcv import Candles, Floats
from core.timeframe import parse as parse_timeframe
from db.queries import scorecards, trained_models
from db.queries.scorecards import Pair
from db.tables import Prediction, TrainedModel
from market import candles as market_candles
from ml import config, features, reference, regimes, scoring
from ml.card import CLASSES
from ml.evaluation import Classes
from ml.scorecard import Scorecard, Settled
from ml.settling import PATIENCE


def note_rules(session: Session, *, now: datetime) -> set[Pair]:
    """Note what rules said beside calls that settled lately; the pairs that have news."""
    groups: dict[tuple[int, int, str], list[Prediction]] = defaultdict(list)
    for call in scorecards.without_rules(session, since=now - PATIENCE):
        groups[call.model_id, call.market_id, call.timeframe].append(call)
    touched = set()
    for (model_id, market_id, timeframe), calls in groups.items():
        model = trained_models.get(session, model_id)
        asked, k = config.from_dict(model.config), float(model.card["labels"]["k"])
        candles = _around(session, market_id, timeframe, calls, horizon=asked.horizon, now_ms=to_ms(now))
        if scorecards.note_rules(session, beside(candles, calls, k, asked.horizon, asked.sigma_span)):
            touched.add(Pair(model_id, market_id))
    return touched


def _around(
    session: Session, market_id: int, timeframe: str, calls: list[Prediction], *, horizon: int, now_ms: int
) -> Candles:
    """The candles from far enough before the first call to the end of the last one's horizon.

    A label that ended before a call is known to be one only where its whole path is there, hence the end.
    """
    step = parse_timeframe(timeframe).ms
    first, last = (edge(to_ms(c.open_time) for c in calls) for edge in (min, max))
    bars = (last - first) // step + 1 + features.LEAD + 2 * horizon
    until = min(now_ms, last + (1 + horizon) * step)
    try:
        return market_candles.latest(session, market_id, timeframe, bars, now_ms=until)
    except NotFound:
        return ohlcv.empty()


def beside(candles: Candles, calls: list[Prediction], k: float, horizon: int, span: int) -> list[dict[str, Any]]:
    """What rules said at the close of each call's candle; calls whose candle is not there are left out."""
    if not len(candles):
        return []
    step = parse_timeframe(calls[0].timeframe).ms
    _, _, said = reference.labelled(candles, k, horizon=horizon, step_ms=step, sigma_span=span)
    kinds = regimes.codes(candles, step)
    found = []
    for call in calls:
        at = int(np.searchsorted(candles.time, to_ms(call.open_time)))
        if at < len(candles) and candles.time[at] == to_ms(call.open_time):
            found.append(
                {
                    "prediction_id": call.id,
                    "persistence": CLASSES[said.persistence[at]],
                    "momentum": CLASSES[said.momentum[at]],
                    "regime": int(kinds[at]),
                }
            )
    return found


def refresh(session: Session, pairs: Iterable[Pair]) -> int:
    """Draw up the scorecards of these pairs from the ledger and keep them; how many."""
    drawn = 0
    for pair in sorted(pairs, key=lambda p: (p.model_id, p.market_id)):
        rows = scorecards.settled_rows(session, pair.model_id, pair.market_id)
        card = of(session, trained_models.get(session, pair.model_id), rows)
        if card is not None:
            simulated, newest = any(row.simulated for row in rows), max(row.id for row in rows)
            scorecards.store(session, pair, simulated=simulated, settled=len(rows), newest=newest, card=card.to_dict())
            drawn += 1
    return drawn


def of(session: Session, model: TrainedModel, rows: Sequence[Row[Any]]) -> Scorecard | None:
    """The scorecard of a version's settled calls in a market, as `scorecards.settled_rows` reads them."""
    step = parse_timeframe(model.timeframe).ms
    return scoring.draw_up(arrays(rows), reference.of(session, model).habits, horizon=model.horizon, step_ms=step)


def arrays(rows: Sequence[Row[Any]]) -> Settled:
    """Rows of the ledger as parallel arrays."""
    known = {name: number for number, name in enumerate(CLASSES)}
    p = np.array([(r.p_bearish, r.p_neutral, r.p_bullish) for r in rows], dtype=np.float64).reshape(-1, 3)

    def classes(name: str) -> Classes:
        return np.array([known.get(getattr(r, name), -1) for r in rows], dtype=np.int8)

    return Settled(
        open_ms=np.array([to_ms(r.open_time) for r in rows], dtype=np.int64),
        until_ms=np.array([to_ms(r.t1) for r in rows], dtype=np.int64),
        p=p,
        y=classes("outcome"),
        ambiguous=np.array([r.ambiguous for r in rows], dtype=bool),
        abstained=np.array([r.abstained for r in rows], dtype=bool),
        held=np.array([[c in (r.conformal_set or "").split(",") for c in CLASSES] for r in rows], bool).reshape(-1, 3),
        regime=np.array([-1 if r.regime is None else r.regime for r in rows], dtype=np.int8),
        persistence=classes("persistence"),
        momentum=classes("momentum"),
        logistic=_chances(rows, "logistic"),
        boosting=_chances(rows, "boosting"),
    )


def _chances(rows: Sequence[Row[Any]], name: str) -> Floats:
    """(n, 3) what a baseline said beside each call; NaN where nothing stands."""
    said = [[getattr(r, f"{name}_{c}") for c in CLASSES] for r in rows]
    return np.array(said, dtype=np.float64).reshape(-1, len(CLASSES))
