"""Which version of a model speaks: the champion, or the newest other one whose files are whole and fit each other.

A version that cannot speak is logged once per change, not with every round of calls.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from core.errors import ModelUnavailable, Refused
from core.ohlcv import Candles
from db.queries import trained_models
from db.tables import TrainedModel
from ml import abstaining, artefacts, features, labels, sessions
from ml.artefacts import Loaded
from ml.windows import Table

log = logging.getLogger(__name__)

_faults: dict[str, str] = {}  # what was last logged of a version


@dataclass(frozen=True, slots=True)
class Forecast:
    """Three probabilities in the order bearish, neutral, bullish; barriers as factors on the entry price.

    `conformal_set`, `novelty`: as in `db.tables.Prediction`. `abstain_reason`: why the model would rather not call.
    `beside`: what the version's fitted baselines say of the same window, by key; empty where it keeps none.
    """

    probabilities: tuple[float, float, float]
    sigma: float
    upper_factor: float
    lower_factor: float
    conformal_set: str | None = None
    novelty: float | None = None
    abstain_reason: str | None = None
    beside: dict[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """What `model` said. `passed_over` maps versions that should have spoken before it to what ails them."""

    model: TrainedModel
    forecast: Forecast
    passed_over: dict[str, str] = field(default_factory=dict)


def serve(session: Session, name: str, candles: Candles, *, models: Path, market: str) -> Served:
    """The forecast of the first version of a family that can make one.

    Raises ModelUnavailable (no version can; the sentence is that of the first), Refused (the candles allow no call).
    """
    passed_over: dict[str, str] = {}
    for version in candidates(session, name):
        title = f"{name} v{version.version}"
        on_market = f"{title} on {market}"  # whole files may still say nothing of one market
        try:
            loaded = _open(title, version, models)
            said = forecast(candles, loaded)
        except ModelUnavailable as fault:
            if title not in _faults:
                _note_fault(on_market, fault.sentence)
            passed_over[title] = fault.sentence
        else:
            _note_whole(on_market)
            return Served(version, said, passed_over)
    raise ModelUnavailable(next(iter(passed_over.values()), f"There is no model {name}. Train one on the Models page."))


def candidates(session: Session, name: str) -> Iterator[TrainedModel]:
    """The versions of a family in the order they are asked; others knew a coin that had this name."""
    versions = trained_models.versions(session, name)
    yield from (version for version in versions if version.markets == versions[0].markets)


def longest_window(session: Session, name: str) -> int:
    """Bars that any version of a family may need."""
    return max(int(version.config["window"]) for version in candidates(session, name))


def load(session: Session, name: str, *, models: Path) -> tuple[TrainedModel, Loaded]:
    """The champion of a family with its files, else the newest version of the same coins whose files are whole."""
    fault: ModelUnavailable | None = None
    for version in candidates(session, name):
        try:
            return version, _open(f"{name} v{version.version}", version, models)
        except ModelUnavailable as found:
            fault = fault or found
    raise fault or ModelUnavailable(f"There is no model {name}. Train one on the Models page.")


def forecast(candles: Candles, loaded: Loaded) -> Forecast:
    """What a model says at the close of the last candle. `candles` reach `features.LEAD` bars further than a window.

    Raises Refused for what ails the candles, ModelUnavailable for what ails the model.
    """
    config = loaded.config
    bars = features.compute(candles, config.step.ms)[-config.window :]
    if len(bars) < config.window or not np.isfinite(bars).all():
        raise Refused(
            f"The last {config.window} candles have a hole or nothing before them, so there is no window to call on. "
            "Fill the hole, or wait until it has passed."
        )
    sigma = labels.sigma(candles, config.step.ms, config.sigma_span)[-1:]
    if not np.isfinite(sigma).all():
        raise Refused("The price has not moved lately, so barriers have no width. Wait until it moves.")
    upper, lower = labels.factors(sigma, loaded.k, config.horizon)
    artefacts.check(loaded)
    window = loaded.scaler.apply(bars)
    p = sessions.say(loaded.model, window[None])
    bearish, neutral, bullish = (float(x) for x in p[0])
    doubts = abstaining.doubt(p, window[-1:], threshold=loaded.threshold, novelty=loaded.novelty)[0]
    return Forecast(
        probabilities=(bearish, neutral, bullish),
        sigma=float(sigma[0]),
        upper_factor=float(upper[0]),
        lower_factor=float(lower[0]),
        conformal_set=doubts.conformal_set,
        novelty=doubts.novelty,
        abstain_reason=doubts.reason,
        beside=_beside(loaded, window[None]),
    )


def _beside(loaded: Loaded, window: Table) -> dict[str, tuple[float, float, float]]:
    said = loaded.beside.say(window) if loaded.beside is not None else {}
    return {key: (float(p[0, 0]), float(p[0, 1]), float(p[0, 2])) for key, p in said.items()}


def faults() -> dict[str, str]:
    """What has been logged and is not over: versions, or versions on a market, with what ails them."""
    return dict(_faults)


def remember(logged: Mapping[str, str]) -> None:
    """What an earlier process has logged already; every job runs in a process of its own."""
    _faults.clear()
    _faults.update(logged)


def _open(title: str, version: TrainedModel, models: Path) -> Loaded:
    """A version's files, whole, fitting each other and readable by the runtime."""
    try:
        loaded = artefacts.load(models, version.folder, version.manifest)
        sessions.demand_shape(loaded.model, (loaded.config.window, len(features.NAMES)))
    except ModelUnavailable as found:
        _note_fault(title, found.sentence)
        raise
    _note_whole(title)
    return loaded


def _note_fault(what: str, sentence: str) -> None:
    if _faults.get(what) != sentence:  # a round of calls a minute would fill the log
        log.error("model_files_damaged", extra={"model": what, "fault": sentence})
    _faults[what] = sentence


def _note_whole(what: str) -> None:
    if _faults.pop(what, None) is not None:
        log.info("model_files_whole_again", extra={"model": what})
