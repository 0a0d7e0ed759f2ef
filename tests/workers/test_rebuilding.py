"""A version is trained again from what its card names, and how the two differ is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import market_name
from core.job_queue import connect
from core.jobs import REBUILD_MODEL, TRAIN_MODEL
from core.ohlcv import Candles
from core.settings import Settings
from db.queries import candles, jobs, markets, scorecards, trained_models
from db.tables import Job
from ml import artefacts, checkpoints, dataset, rebuilding
from ml.build import Built
from ml.rebuilding import Rebuild
from tests.candles import walk
from tests.ml import versions
from tests.ml.networks import random_weights
from workers import engine, training

ASKED = versions.config()
SERIES = walk(1_500, "1h", seed=1)
CARD = versions.card(ASKED, versions.prepared(ASKED))
FILES = versions.files(ASKED)


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


@pytest.fixture
def model_id(settings: Settings) -> int:
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(ASKED.markets[0]), simulated=True)
        candles.upsert(session, market.id, "1h", SERIES)
        return versions.publish(session, settings.models, CARD, ASKED).id


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Candles]:
    """In place of the hours of a training: the same files, and a card of the candles that were handed over."""
    seen: list[Candles] = []

    def build(_context: object, _asked: object, frames: list[dataset.Frame], _work: object) -> Built:
        seen.append(frames[0].candles)
        data = tuple(dataset.describe(f, ASKED.step.ms) for f in frames)
        return Built(replace(CARD, data=list(data)), FILES)

    monkeypatch.setattr(training, "_build", build)
    return seen


def rebuilt(settings: Settings, model_id: int) -> tuple[Job, Rebuild | None]:
    with db.engine.session() as session:
        job_id = jobs.create(session, REBUILD_MODEL, {"model_id": model_id}).id
    engine.execute(job_id, settings)
    with db.engine.session() as session:
        kept = scorecards.report(session, model_id, scorecards.REBUILD)
        return jobs.get(session, job_id), Rebuild.from_dict(kept.report) if kept else None


def test_the_same_candles_make_the_same_version(settings: Settings, model_id: int, quick: list[Candles]) -> None:
    with db.engine.session() as session:
        later = walk(80, "1h", seed=4, start_ms=int(SERIES.time[-1]) + 3_600_000)
        market = markets.get(session, market_name.parse(ASKED.markets[0]))
        candles.upsert(session, market.id, "1h", later)
    job, found = rebuilt(settings, model_id)
    assert job.state == "succeeded" and found is not None
    assert (found.same, found.difference, found.changed, found.other_files) == (True, 0.0, [], [])
    assert set(found.same_files) == set(FILES)
    assert int(quick[0].time[-1]) == CARD.data[0].last_ms  # newer candles take no part
    with db.engine.session() as session:
        assert trained_models.count(session) == 1


def test_a_training_that_really_took_place_is_rebuilt_to_a_difference_of_0(settings: Settings) -> None:
    small = {"units": [4, 3, 2], "window": 8, "epochs": 2, "seeds": 1}
    args = {"markets": list(ASKED.markets), "timeframe": "1h", "horizon": 3, **small}
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(ASKED.markets[0]), simulated=True)
        candles.upsert(session, market.id, "1h", SERIES[:800])
        job_id = jobs.create(session, TRAIN_MODEL, args).id
    engine.execute(job_id, settings)
    with db.engine.session() as session:
        assert jobs.get(session, job_id).state == "succeeded", jobs.get(session, job_id).reason
        (model_id,) = trained_models.ids(session)
    job, found = rebuilt(settings, model_id)
    assert job.state == "succeeded" and found is not None, job.reason
    assert (found.same, found.difference, found.weights, found.changed) == (True, 0.0, 0.0, [])
    assert set(found.same_files) >= {artefacts.WEIGHTS, artefacts.MODEL, artefacts.SCALER} and not found.other_files
    assert not list((settings.models / ".work").glob("*"))


def test_candles_that_changed_since_are_named(settings: Settings, model_id: int, quick: list[Candles]) -> None:
    with db.engine.session() as session:
        market = markets.get(session, market_name.parse(ASKED.markets[0]))
        one = SERIES[700:701]
        candles.upsert(session, market.id, "1h", replace(one, volume=one.volume * 3))
    _, found = rebuilt(settings, model_id)
    assert found is not None and not found.same and found.changed == list(ASKED.markets)
    assert "have changed since it was trained" in found.finding


def test_a_version_whose_candles_are_gone_cannot_be_rebuilt(settings: Settings, quick: list[Candles]) -> None:
    with db.engine.session() as session:
        made = versions.publish(session, settings.models, CARD, ASKED)
    job, found = rebuilt(settings, made.id)
    assert job.state == "failed" and found is None
    assert not quick


def test_every_difference_is_measured() -> None:
    other = random_weights(ASKED, 10, seed=2)
    new = FILES | {artefacts.WEIGHTS: checkpoints.npz(other)}
    now = replace(CARD, metrics=replace(CARD.metrics, log_loss=CARD.metrics.log_loss + 0.25), code_version="else")
    found = rebuilding.compare(CARD, now, old=FILES, new=new, created_ms=1)
    mine = random_weights(ASKED, 10, seed=1)
    assert found.figures["log_loss"] == pytest.approx(0.25) and found.figures["mcc"] == 0
    assert found.weights == pytest.approx(max(float(np.abs(mine[n] - other[n]).max()) for n in mine))
    assert found.other_files == [artefacts.WEIGHTS] and not found.same
    assert "code differ from when it was trained" in found.finding


def test_weights_of_other_shapes_have_no_distance() -> None:
    other = FILES | {artefacts.WEIGHTS: checkpoints.npz({"only": np.ones(3)})}
    assert rebuilding.compare(CARD, CARD, old=FILES, new=other, created_ms=1).weights is None
    assert rebuilding.compare(CARD, CARD, old={}, new=FILES, created_ms=1).weights is None
