"""Calls on closed candles, made with ONNX Runtime alone and written before their outcome can exist.

A model calls the markets it was trained on. A simulated market that no model was trained on is called by a champion
of the same timeframe, one that learned on the same exchange first: such calls are marked and never scored as real.
"""

import logging
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from core.clock import from_ms, to_ms
from core.errors import ModelUnavailable, NotFound, Refused, SeriesEnded
from core.market_name import MarketName
from core.ohlcv import Candles
from core.timeframe import Timeframe
from core.timeframe import parse as parse_timeframe
from db.queries import markets, prediction_baselines, predictions, trained_models
from db.queries.markets import MarketRow
from db.queries.predictions import CallRow
from db.tables import Market, TrainedModel
from market import candles as market_candles
from ml import features, serving
from ml.card import CLASSES
from ml.serving import Forecast

LATE = 3  # bars after which a series counts as ended rather than delayed
UNEXPECTED = "An unexpected error ended this call; the log of the worker holds the details"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """The call on the last closed candle. `written`: now, it did not stand yet. `note`: why another version speaks."""

    call: CallRow
    written: bool
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What a round of calls did; `refused` maps a market to the reason, `damaged` says why models are silent.

    `faults` maps versions to what ails them, also those that another one spoke for.
    """

    written: int
    refused: dict[str, str]
    damaged: list[str]
    faults: dict[str, str] = field(default_factory=dict)


def predict_now(
    session: Session, name: MarketName, timeframe: str | Timeframe, *, models: Path, now: datetime
) -> dict[str, Any]:
    """The call on the last closed candle, written if it is missing, as plain JSON. Raises what `ask` raises."""
    return _plain(ask(session, name, timeframe, models=models, now=now).call)


def ask(session: Session, name: MarketName, timeframe: str | Timeframe, *, models: Path, now: datetime) -> Asked:
    """The call on the last closed candle, written if it is missing.

    Raises NotFound (no such market), Refused (no model, a hole in the last candles), SeriesEnded (the last candle is
    too old to be called on), ModelUnavailable (no version's files are whole).
    """
    champion, market, frame = _asked(session, name, timeframe)
    return _call(session, champion, market, frame, models=models, now=now)


def standing(session: Session, name: MarketName, timeframe: str | Timeframe, *, now: datetime) -> Asked | None:
    """The call on the last closed candle where it stands; None where one could be made.

    Reads no file of a model. Raises what `ask` raises but for what ails models and windows.
    """
    champion, market, frame = _asked(session, name, timeframe)
    found = _candles(session, market, frame, bars=1, now=now)
    return _standing(session, champion, market, frame, found, now=now)


def predict_due(session: Session, *, models: Path, now: datetime) -> Due:
    """Call every candle that has just closed, with every champion that may. Calls that stand already are left.

    A market or a model at fault costs no other one its call: each has a savepoint of its own.
    """
    champions = trained_models.champions(session)
    rows = markets.table(session)
    written, refused, damaged = 0, {}, set()
    for frame in sorted({parse_timeframe(c.timeframe) for c in champions}, key=lambda t: t.ms):
        open_ms = frame.last_closed(to_ms(now))
        there = predictions.called(session, timeframe=frame.name, open_time=from_ms(open_ms))
        for row in rows:
            if not _reaches(row, frame, open_ms):
                continue
            able = callers([c for c in champions if c.timeframe == frame.name], row.name, simulated=row.simulated)
            for model in (m for m in able if (m.name, row.id) not in there):
                try:
                    with session.begin_nested():
                        _call(session, model, markets.by_id(session, row.id), frame, models=models, now=now)
                    written += 1
                except (Refused, NotFound, ModelUnavailable) as reason:
                    refused[f"{row.name} {frame}"] = reason.sentence
                    damaged |= {reason.sentence} if isinstance(reason, ModelUnavailable) else set()
                except (IntegrityError, DataError, ValueError, ArithmeticError, LookupError) as fault:
                    log.exception("call_failed", extra={"market": str(row.name), "model": model.name})
                    refused[f"{row.name} {frame}"] = f"{UNEXPECTED} ({type(fault).__name__})."
    return Due(written, refused, sorted(damaged), serving.faults())


def callers(champions: list[TrainedModel], name: MarketName, *, simulated: bool) -> list[TrainedModel]:
    """Of the champions of a timeframe (newest first) those that call this market."""
    own = [c for c in champions if str(name) in c.markets]
    if own or not simulated:
        return own
    kin = [c for c in champions if any(m.startswith(f"{name.exchange}:") for m in c.markets)]
    return (kin or champions)[:1]


def _asked(session: Session, name: MarketName, timeframe: str | Timeframe) -> tuple[TrainedModel, Market, Timeframe]:
    """Who calls a market, first of several; raises NotFound, Refused."""
    frame = parse_timeframe(str(timeframe))
    market = markets.get(session, name)
    able = callers(trained_models.champions(session, frame.name), name, simulated=market.simulated)
    if not able:
        raise Refused(
            f"No model calls {name} at {frame}. Train one: python -m dashapp train --markets {name} "
            f"--timeframe {frame} --horizon 24 --wait."
        )
    return able[0], market, frame


def _call(
    session: Session, champion: TrainedModel, market: Market, frame: Timeframe, *, models: Path, now: datetime
) -> Asked:
    """The row of the last closed candle by this family's first version that can speak."""
    bars = features.LEAD + serving.longest_window(session, champion.name)
    found = _candles(session, market, frame, bars=bars, now=now)
    if stands := _standing(session, champion, market, frame, found, now=now):
        return stands
    name, open_ms = MarketName(market.exchange, market.symbol), int(found.time[-1])
    served = serving.serve(session, champion.name, found, models=models, market=f"{name} {frame}")
    made = _write(session, served.model, market, frame, served.forecast, close=float(found.close[-1]), open_ms=open_ms)
    row = _find(session, champion, market, frame, open_ms)
    if row is None:
        raise _too_old(name, frame, open_ms, to_ms(now))
    return Asked(row, made, _note(row, served.passed_over) if made else _elder(row, champion))


def _candles(session: Session, market: Market, frame: Timeframe, *, bars: int, now: datetime) -> Candles:
    found = market_candles.latest(session, market.id, frame.name, bars, now_ms=to_ms(now))
    if not len(found):
        name = MarketName(market.exchange, market.symbol)
        raise Refused(f"No closed {frame} candles of {name} are stored. Import some, or follow the market.")
    return found


def _standing(
    session: Session, champion: TrainedModel, market: Market, frame: Timeframe, found: Candles, *, now: datetime
) -> Asked | None:
    """The call on the last of the candles; None where it may still be made. Raises SeriesEnded."""
    open_ms, now_ms = int(found.time[-1]), to_ms(now)
    if row := _find(session, champion, market, frame, open_ms):
        return Asked(row, False, _elder(row, champion))
    if open_ms < frame.last_closed(now_ms):
        raise _too_old(MarketName(market.exchange, market.symbol), frame, open_ms, now_ms)
    return None


def _find(session: Session, champion: TrainedModel, market: Market, frame: Timeframe, open_ms: int) -> CallRow | None:
    return predictions.find(
        session, model=champion.name, market_id=market.id, timeframe=frame.name, open_time=from_ms(open_ms)
    )


def _note(row: CallRow, passed_over: dict[str, str]) -> str | None:
    if not passed_over:
        return None
    return f"v{row.version} made this call, because {'; '.join(f'{v}: {why}' for v, why in passed_over.items())}"


def _elder(row: CallRow, champion: TrainedModel) -> str | None:
    if row.model_id == champion.id:
        return None
    return f"v{row.version} made this call; v{champion.version} is the version that serves."


def _write(
    session: Session,
    model: TrainedModel,
    market: Market,
    frame: Timeframe,
    said: Forecast,
    *,
    close: float,
    open_ms: int,
) -> bool:
    """Write the call, and what baselines say beside it.

    False where it stands, or the database's clock says that its outcome has begun to exist.
    """
    best = int(np.argmax(said.probabilities))
    values = {
        "model_id": model.id,
        "market_id": market.id,
        "timeframe": frame.name,
        "horizon": model.horizon,
        "open_time": from_ms(open_ms),
        "closed_at": from_ms(open_ms + frame.ms),
        "outcome_from": from_ms(open_ms + 2 * frame.ms),
        "due_at": from_ms(open_ms + (1 + model.horizon) * frame.ms),
        "close": close,
        "sigma": said.sigma,
        "upper_factor": said.upper_factor,
        "lower_factor": said.lower_factor,
        **{f"p_{name}": p for name, p in zip(CLASSES, said.probabilities, strict=True)},
        "call": CLASSES[best],
        "confidence": said.probabilities[best],
        "simulated": market.simulated or model.simulated,
        "conformal_set": said.conformal_set,
        "novelty": said.novelty,
        "abstained": said.abstain_reason is not None,
        "abstain_reason": said.abstain_reason,
    }
    try:
        with session.begin_nested():
            if (call_id := predictions.write(session, values)) is None:
                return False
            prediction_baselines.write(session, call_id, said.beside)
            return True
    except IntegrityError as fault:
        if "before_outcome" not in str(fault) and "after_close" not in str(fault):
            raise
        return False


def _too_old(name: MarketName, frame: Timeframe, open_ms: int, now_ms: int) -> SeriesEnded:
    closed = from_ms(open_ms + frame.ms).astimezone(UTC)
    told = f"last candle closed {closed:%Y-%m-%d %H:%M} UTC"
    if now_ms - open_ms > (LATE + 1) * frame.ms:
        return SeriesEnded(
            f"{name} {frame}: {told}. A call has to be written before its outcome exists, so none can be made on it. "
            "Follow a live market, or see the model card's test period."
        )
    return SeriesEnded(f"{name} {frame}: {told}; the next one has not arrived yet. Try again in a minute.")


def _reaches(row: MarketRow, frame: Timeframe, open_ms: int) -> bool:
    """Whether stored candles reach the close of the bar that opened at `open_ms`."""
    sources = [s for s in row.series.values() if parse_timeframe(s.timeframe).divides(frame)]
    return any(s.last_ms + parse_timeframe(s.timeframe).ms >= open_ms + frame.ms for s in sources)


def _plain(row: CallRow) -> dict[str, Any]:
    """A call as JSON."""
    values = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(row).items()}
    values["market"] = f"{row.exchange}:{row.symbol}"
    for key in ("probabilities", "base_rates"):
        values[key] = dict(zip(CLASSES, values[key], strict=True))
    return values
