"""Examining a version in the leak lab: on the very candles it learned from, its own files beside it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from core import market_name
from core.errors import NotEnoughData, NotFound
from db.queries import markets, trained_models
from market import candles as market_candles
from ml import artefacts, config, dataset, finer, leak_lab
from ml.card import DataSpan
from ml.code_version import code_version
from ml.config import TrainingConfig
from ml.dataset import Frame
from ml.leak_lab import Stored
from ml.leak_report import Report

Opener = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Version:
    """What is examined: the files where they are whole and the candles are those it learned from."""

    asked: TrainingConfig
    frames: list[Frame]
    stored: Stored | None
    note: str


def examine(
    opener: Opener, model_id: int, *, models: Path, now_ms: int, on_check: Callable[[float, str], None]
) -> Report:
    """The report on a version. Raises NotFound, NotEnoughData, ModelUnavailable, and whatever `on_check` raises."""
    found = _read(opener, model_id, models)
    report = leak_lab.examine(found.frames, found.asked, stored=found.stored, on_check=on_check)
    return replace(report, code_version=code_version(), created_ms=now_ms, note=found.note)


def _read(opener: Opener, model_id: int, models: Path) -> Version:
    with opener() as session:
        model = trained_models.get(session, model_id)
        asked = config.from_dict(model.config)
        steps = (model.card.get("walk") or {}).get("folds", [])
        spans = {span.market: span for span in map(DataSpan.from_dict, model.card["data"])}
    frames = [frame_of(opener, spans[name], asked) for name in asked.markets]
    if any(dataset.describe(f, asked.step.ms).sha256 != spans[f.market].sha256 for f in frames):
        note = "Its candles have changed since it was trained, so its files were not compared."
        return Version(asked, frames, None, note)
    files = artefacts.load(models, model.folder, model.manifest)
    other = model.card.get("code_version") != code_version()
    told = "It was trained by another version of the code; the present one was examined. Train it again to be sure."
    note = told if other else ""
    return Version(asked, frames, Stored(files.scaler, files.k, tuple(float(step["k"]) for step in steps)), note)


def frame_of(opener: Opener, span: DataSpan, asked: TrainingConfig) -> Frame:
    """The candles of one market between the first and the last the version saw."""
    with opener() as session:
        try:
            market = markets.get(session, market_name.parse(span.market))
            found = market_candles.series(session, market.id, asked.timeframe, now_ms=span.last_ms + asked.step.ms)
        except NotFound as missing:
            raise NotEnoughData(missing.sentence) from missing
    inside = (found.time >= span.first_ms) & (found.time <= span.last_ms)
    if not inside.any():
        raise NotEnoughData(f"The candles of {span.market} this version learned from are gone. Import them again.")
    return Frame(span.market, span.simulated, found[inside], finer.reader(opener, market.id, asked.timeframe))
