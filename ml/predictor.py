"""Calls on closed candles, made with ONNX Runtime alone and written before their outcome can exist.

A model calls the markets it was trained on. A simulated market that no model was trained on is called by a champion
of the same timeframe, one that learned on the same exchange first: such calls are marked and never scored as real.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.clock import from_ms, to_ms
from core.errors import BoltError, ModelUnavailable, Refused, SeriesEnded
from core.market_name import MarketName
from core.ohlcv import Candles
from core.timeframe import Timeframe
from core.timeframe import parse as parse_timeframe
from db.queries import markets, predictions, trained_models
from db.queries.markets import MarketRow
from db.queries.predictions import CallRow
from db.tables import Market, TrainedModel
from market import candles as market_candles
from ml import abstaining, artefacts, features, labels
from ml.artefacts import Loaded
from ml.card import CLASSES
from ml.sessions import open_session

LATE = 3  # bars after which a series counts as ended rather than delayed

log = logging.getLogger(__name__)

_damaged: dict[str, str] = {}  # what was last logged of a version


@dataclass(frozen=True, slots=True)
class Forecast:
    """Three probabilities in the order bearish, neutral, bullish; barriers as factors on the entry price.

    `conformal_set`, `novelty`: as in `db.tables.Prediction`. `abstain_reason`: why the model would rather not call.
    """

    probabilities: tuple[float, float, float]
    sigma: float
    upper_factor: float
    lower_factor: float
    conformal_set: str | None = None
    novelty: float | None = None
    abstain_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What a round of calls did; `refused` maps a market to the reason, `damaged` says what ails files of models."""

    written: int
    refused: dict[str, str]
    damaged: list[str]


def predict_now(
    session: Session, name: MarketName, timeframe: str | Timeframe, *, models: Path, now: datetime
) -> dict[str, Any]:
    """The call on the last closed candle, written if it is missing, as plain JSON.

    Raises NotFound (no such market), Refused (no model, a hole in the last candles), SeriesEnded (the last candle is
    too old to be called on), ModelUnavailable (no version's files are whole).
    """
    frame = parse_timeframe(str(timeframe))
    market = markets.get(session, name)
    able = callers(trained_models.champions(session, frame.name), name, simulated=market.simulated)
    if not able:
        raise Refused(
            f"No model calls {name} at {frame}. Train one: python -m dashapp train --markets {name} "
            f"--timeframe {frame} --horizon 24 --wait."
        )
    return _plain(_call(session, able[0], market, frame, models=models, now=now))


def predict_due(session: Session, *, models: Path, now: datetime) -> Due:
    """Call every candle that has just closed, with every champion that may. Calls that stand already are left."""
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
                    _call(session, model, markets.by_id(session, row.id), frame, models=models, now=now)
                    written += 1
                except (Refused, ModelUnavailable) as reason:
                    refused[f"{row.name} {frame}"] = reason.sentence
                    damaged |= {reason.sentence} if isinstance(reason, ModelUnavailable) else set()
    return Due(written, refused, sorted(damaged))


def callers(champions: list[TrainedModel], name: MarketName, *, simulated: bool) -> list[TrainedModel]:
    """Of the champions of a timeframe (newest first) those that call this market."""
    own = [c for c in champions if str(name) in c.markets]
    if own or not simulated:
        return own
    kin = [c for c in champions if any(m.startswith(f"{name.exchange}:") for m in c.markets)]
    return (kin or champions)[:1]


def load(session: Session, name: str, *, models: Path) -> tuple[TrainedModel, Loaded]:
    """The champion of a family with its files, else the newest version of the same coins whose files are whole."""
    fault: BoltError | None = None
    versions = trained_models.versions(session, name)
    for version in (v for v in versions if v.markets == versions[0].markets):  # others knew a coin that had this name
        title = f"{name} v{version.version}"
        try:
            loaded = artefacts.load(models, version.folder, version.manifest)
        except ModelUnavailable as found:
            fault = fault or found
            if _damaged.get(title) != found.sentence:  # a round of calls a minute would fill the log
                log.error("model_files_damaged", extra={"model": title, "fault": found.sentence})
            _damaged[title] = found.sentence
        else:
            if _damaged.pop(title, None) is not None:
                log.info("model_files_whole_again", extra={"model": title})
            return version, loaded
    raise fault or ModelUnavailable(f"There is no model {name}. Train one on the Models page.")


def forecast(candles: Candles, loaded: Loaded) -> Forecast:
    """What a model says at the close of the last candle. `candles` reach `features.LEAD` bars further than a window."""
    config = loaded.config
    window = loaded.scaler.apply(features.compute(candles, config.step.ms)[-config.window :])
    if len(window) < config.window or not np.isfinite(window).all():
        raise Refused(
            f"The last {config.window} candles have a hole or nothing before them, so there is no window to call on. "
            "Fill the hole, or wait until it has passed."
        )
    sigma = labels.sigma(candles, config.step.ms, config.sigma_span)[-1:]
    if not np.isfinite(sigma).all():
        raise Refused("The price has not moved lately, so barriers have no width. Wait until it moves.")
    upper, lower = labels.factors(sigma, loaded.k, config.horizon)
    p = np.asarray(open_session(loaded.model).run(None, {"window": window[None]})[0][0], dtype=np.float64)
    if p.shape != (len(CLASSES),) or not np.isfinite(p).all() or p.min() < 0 or p.sum() <= 0:
        raise ModelUnavailable("The model's answer is no probability. Train it again.")
    p = p / p.sum()
    bearish, neutral, bullish = (float(x) for x in p)
    doubts = abstaining.doubt(p[None], window[-1:], threshold=loaded.threshold, novelty=loaded.novelty)[0]
    return Forecast(
        probabilities=(bearish, neutral, bullish),
        sigma=float(sigma[0]),
        upper_factor=float(upper[0]),
        lower_factor=float(lower[0]),
        conformal_set=doubts.conformal_set,
        novelty=doubts.novelty,
        abstain_reason=doubts.reason,
    )


def _call(
    session: Session, champion: TrainedModel, market: Market, frame: Timeframe, *, models: Path, now: datetime
) -> CallRow:
    """The row of the last closed candle by this family's first whole version."""
    now_ms = to_ms(now)
    found = market_candles.latest(
        session, market.id, frame.name, features.LEAD + champion_window(champion), now_ms=now_ms
    )
    name = MarketName(market.exchange, market.symbol)
    if not len(found):
        raise Refused(f"No closed {frame} candles of {name} are stored. Import some, or follow the market.")
    open_ms = int(found.time[-1])
    if standing := _standing(session, champion.name, market, frame, open_ms):
        return standing
    if open_ms < frame.last_closed(now_ms):
        raise _too_old(name, frame, open_ms, now_ms)
    model, loaded = load(session, champion.name, models=models)
    _write(session, model, market, frame, forecast(found, loaded), close=float(found.close[-1]), open_ms=open_ms)
    written = _standing(session, model.name, market, frame, open_ms)
    if written is None:
        raise _too_old(name, frame, open_ms, now_ms)
    return written


def champion_window(model: TrainedModel) -> int:
    return int(model.config["window"])


def _standing(session: Session, family: str, market: Market, frame: Timeframe, open_ms: int) -> CallRow | None:
    return predictions.find(
        session, model=family, market_id=market.id, timeframe=frame.name, open_time=from_ms(open_ms)
    )


def _write(
    session: Session,
    model: TrainedModel,
    market: Market,
    frame: Timeframe,
    said: Forecast,
    *,
    close: float,
    open_ms: int,
) -> None:
    """Write the call; nothing where the database's clock says that its outcome has begun to exist."""
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
            predictions.write(session, values)
    except IntegrityError as fault:
        if "before_outcome" not in str(fault) and "after_close" not in str(fault):
            raise


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
