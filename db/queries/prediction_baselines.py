"""What the fitted baselines of a version said beside its calls; append-only, chained (`db.queries.ledger`)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, and_, column, select, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from db.tables import Prediction, PredictionBaseline, TrainedModel

FILE = "baselines.npz"  # a version whose manifest names it says what they say with every call
NAMES = ("logistic", "boosting")


def write(session: Session, call_id: int, said: Mapping[str, tuple[float, float, float]]) -> None:
    """Write what each baseline said beside a call, bearish, neutral, bullish. The database refuses late ones."""
    rows = [
        {"prediction_id": call_id, "name": name, "p_bearish": p[0], "p_neutral": p[1], "p_bullish": p[2]}
        for name, p in said.items()
    ]
    if rows:
        session.execute(insert(PredictionBaseline).values(rows))


def missing(session: Session, *, limit: int) -> list[Row[Any]]:
    """Calls (`id`, `seq`) beside which the baseline `name` of their version should stand and does not, oldest first."""
    names = values(column("name", String), name="names").data([(name,) for name in NAMES])
    query = (
        select(Prediction.id, Prediction.seq, names.c.name)
        .join(TrainedModel, TrainedModel.id == Prediction.model_id)
        .join(names, TrainedModel.manifest.has_key(FILE))
        .outerjoin(
            PredictionBaseline,
            and_(PredictionBaseline.prediction_id == Prediction.id, PredictionBaseline.name == names.c.name),
        )
        .where(PredictionBaseline.prediction_id.is_(None))
        .order_by(Prediction.seq, names.c.name)
    )
    return list(session.execute(query.limit(limit)))
