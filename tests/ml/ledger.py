"""Calls of the past, written as the database would have stamped them then."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from core.clock import from_ms
from core.timeframe import parse
from db.queries import ledger, predictions
from db.tables import LedgerHead, Prediction, PredictionBaseline


def past_call(
    session: Session,
    *,
    model_id: int,
    market_id: int,
    open_ms: int,
    p: tuple[float, float, float] = (0.2, 0.3, 0.5),
    timeframe: str = "1h",
    horizon: int = 3,
    factors: tuple[float, float] = (1.02, 0.98),
    simulated: bool = True,
) -> Prediction:
    """A call that was made a second after its candle had closed. Triggers rest meanwhile, constraints do not."""
    step = parse(timeframe).ms
    closed = from_ms(open_ms + step)
    best = max(range(3), key=lambda k: p[k])
    values: dict[str, Any] = {
        "model_id": model_id,
        "market_id": market_id,
        "timeframe": timeframe,
        "horizon": horizon,
        "open_time": from_ms(open_ms),
        "closed_at": closed,
        "outcome_from": from_ms(open_ms + 2 * step),
        "due_at": due_at(open_ms, timeframe, horizon),
        "made_at": closed + timedelta(seconds=1),
        "close": 100.0,
        "sigma": 0.01,
        "upper_factor": factors[0],
        "lower_factor": factors[1],
        "p_bearish": p[0],
        "p_neutral": p[1],
        "p_bullish": p[2],
        "call": predictions.CLASSES[best],
        "confidence": p[best],
        "simulated": simulated,
    }
    session.execute(text("SET LOCAL session_replication_role = replica"))
    last = session.execute(select(Prediction.seq, Prediction.hash).order_by(Prediction.seq.desc()).limit(1)).first()
    chain = {"seq": last.seq + 1 if last else 1, "prev_hash": last.hash if last else ledger.GENESIS, "hash": ""}
    assert predictions.write(session, values | chain)
    call = session.scalars(select(Prediction).order_by(Prediction.id.desc()).limit(1)).one()
    seal(session, call)
    session.execute(text("SET LOCAL session_replication_role = origin"))
    return call


def seal(session: Session, call: Prediction) -> None:
    """Hash a row as the database would have, and note it as the newest; triggers rest meanwhile."""
    call.hash = ledger.digest(call.prev_hash, [getattr(call, name) for name in ledger.hashed_of_call(call)])
    session.merge(LedgerHead(name="predictions", seq=call.seq, hash=call.hash))
    session.flush()


def past_baselines(session: Session, call: Prediction, said: dict[str, tuple[float, float, float]]) -> None:
    """What baselines said beside a call of the past, a second after it."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    head = session.get(LedgerHead, "prediction_baselines") or LedgerHead(
        name="prediction_baselines", seq=0, hash=ledger.GENESIS
    )
    for name, p in said.items():
        made_at, seq = call.made_at + timedelta(seconds=1), head.seq + 1
        hashed = ledger.digest(head.hash, [seq, call.id, name, *p, made_at, call.hash])
        values = {"prediction_id": call.id, "name": name, "p_bearish": p[0], "p_neutral": p[1], "p_bullish": p[2]}
        chain = {"made_at": made_at, "seq": seq, "prev_hash": head.hash, "hash": hashed}
        session.execute(insert(PredictionBaseline).values(values | chain))
        head.seq, head.hash = seq, hashed
    session.merge(head)
    session.flush()
    session.execute(text("SET LOCAL session_replication_role = origin"))


def due_at(open_ms: int, timeframe: str, horizon: int) -> datetime:
    return from_ms(open_ms + (1 + horizon) * parse(timeframe).ms)
