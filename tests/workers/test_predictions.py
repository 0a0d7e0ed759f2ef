"""The two scheduled jobs: calls on closed candles, outcomes of earlier ones."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import market_name
from core.clock import to_ms, utc_now
from core.job_queue import connect
from core.jobs import PREDICT_DUE, SETTLE_DUE, JobKind
from core.settings import Settings
from core.timeframe import parse
from db.queries import candles, jobs, markets, predictions, trained_models
from db.tables import Job
from ml import serving
from tests.candles import walk
from tests.ml import versions
from tests.ml.ledger import past_call
from workers import engine

HOUR = parse("1h")
ASKED = versions.config()


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


@pytest.fixture
def market_id(settings: Settings) -> int:
    """A demo market whose last closed candle is stored, and a model of it."""
    card = versions.card(ASKED, versions.prepared(ASKED))
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(ASKED.markets[0]), simulated=True)
        start = HOUR.last_closed(to_ms(utc_now())) - 399 * HOUR.ms
        candles.upsert(session, market.id, "1h", walk(400, start_ms=start))
        versions.publish(session, settings.models, card, ASKED)
        return market.id


def run(settings: Settings, kind: JobKind) -> Job:
    with db.engine.session() as session:
        job_id = jobs.create(session, kind, {}).id
    engine.execute(job_id, settings)
    with db.engine.session() as session:
        return jobs.get(session, job_id)


def test_a_closed_candle_is_called_once(settings: Settings, market_id: int) -> None:
    assert run(settings, PREDICT_DUE).result == {"written": 1, "refused": {}, "damaged": [], "faults": {}}
    assert run(settings, PREDICT_DUE).result == {"written": 0, "refused": {}, "damaged": [], "faults": {}}
    with db.engine.session() as session:
        (row,) = predictions.latest(session)
    assert row.market_id == market_id
    assert row.made_at - row.closed_at < timedelta(hours=1)


def test_r28_an_operator_learns_once_of_a_model_that_cannot_speak(
    settings: Settings, market_id: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.engine.session() as session:
        (model,) = trained_models.champions(session)
    (settings.models / model.folder / "scaler.json").write_bytes(b"{}")
    with caplog.at_level(logging.INFO, logger="ml.serving"):
        for _ in range(3):
            monkeypatch.setattr(serving, "_faults", {})  # every job is a process of its own
            result = run(settings, PREDICT_DUE).result
    assert result is not None
    assert list(result["faults"]) == [f"{model.name} v1"]
    assert list(result["faults"].values()) == result["damaged"]
    assert [r.message for r in caplog.records] == ["model_files_damaged"]


def test_without_models_there_is_nothing_to_call(settings: Settings) -> None:
    assert run(settings, PREDICT_DUE).result == {"written": 0, "refused": {}, "damaged": [], "faults": {}}


def test_a_call_whose_horizon_is_over_is_settled_once(settings: Settings, market_id: int) -> None:
    open_ms = HOUR.last_closed(to_ms(utc_now())) - 10 * HOUR.ms
    with db.engine.session() as session:
        model_id = trained_models.table(session)[0].id
        past_call(session, model_id=model_id, market_id=market_id, open_ms=open_ms)
    assert run(settings, SETTLE_DUE).result == {"settled": 1, "revised": 0, "scorecards": 1}
    assert run(settings, SETTLE_DUE).result == {"settled": 0, "revised": 0, "scorecards": 0}
    with db.engine.session() as session:
        (row,) = predictions.history(session, market_id, "1h")
    assert row.outcome in predictions.CLASSES
