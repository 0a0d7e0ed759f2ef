"""What moved one call of the ledger: asked of the version that made it, on the candles it was made on."""

from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.clock import to_ms
from core.errors import Refused
from core.ohlcv import Candles
from core.timeframe import parse as parse_timeframe
from db.queries import predictions, trained_models
from db.queries.predictions import CallRow
from market import candles as market_candles
from ml import artefacts, attribution, features, labels, sessions
from ml.config import TrainingConfig

SAME = 1e-4  # probabilities may differ by so much between two machines
ALIKE = 1e-6  # a longer start of the series moves averages by less


def explain(session: Session, call_id: int, *, models: Path) -> dict[str, Any]:
    """Every feature's share in a call, as plain JSON: `said` is the likeliest class, `shares` as in `ml.attribution`.

    Raises NotFound, ModelUnavailable (its files are not whole), Refused (what it was made on has changed since).
    """
    call = predictions.get(session, call_id)
    version = trained_models.get(session, call.model_id)
    loaded = artefacts.load(models, version.folder, version.manifest)
    bars, step = loaded.config.window, parse_timeframe(call.timeframe)
    found = market_candles.latest(
        session, call.market_id, call.timeframe, features.LEAD + bars, now_ms=to_ms(call.closed_at)
    )
    if not _as_then(found, call, loaded.config):
        raise _changed()
    rows = features.compute(found, step.ms)[-bars:]
    if len(rows) < bars or not np.isfinite(rows).all():
        raise _changed()
    window = loaded.scaler.apply(rows)
    p, shares = attribution.shares(window, features.NAMES, lambda windows: sessions.say(loaded.model, windows))
    if np.abs(p - np.array(call.probabilities)).max() > SAME:
        raise _changed()
    return {"said": call.call, "shares": [share.to_dict() for share in shares]}


def _as_then(found: Candles, call: CallRow, asked: TrainingConfig) -> bool:
    """Whether candles close and have moved as they had when the call was made."""
    if not len(found) or int(found.time[-1]) != to_ms(call.open_time):
        return False
    sigma = labels.sigma(found, asked.step.ms, asked.sigma_span)[-1]
    return bool(np.allclose((found.close[-1], sigma), (call.close, call.sigma), rtol=ALIKE, atol=0))


def _changed() -> Refused:
    return Refused(
        "Candles this call was made on have been corrected or removed since, so what moved it can't be worked out any "
        "more. The call itself stands as it was written."
    )
