"""A worker says what moved a call of the ledger, or why that cannot be said any more."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import market_name
from core.clock import to_ms, utc_now
from core.job_queue import connect
from core.jobs import EXPLAIN_CALL
from core.settings import Settings
from core.timeframe import parse
from db.queries import candles, jobs, markets, predictions
from ml import features, predictor
from tests.candles import walk
from tests.ml import versions
from workers import engine

HOUR = parse("1h")
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


@pytest.fixture
def call_id(settings: Settings) -> int:
    """A call on the last closed candle of a demo market."""
    now = utc_now()
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(ASKED.markets[0]), simulated=True)
        candles.upsert(session, market.id, "1h", walk(400, start_ms=HOUR.last_closed(to_ms(now)) - 399 * HOUR.ms))
        versions.publish(session, settings.models, CARD, ASKED)
        predictor.predict_now(session, market_name.parse(ASKED.markets[0]), "1h", models=settings.models, now=now)
        (call,) = predictions.latest(session)
        return call.id


def explained(settings: Settings, call_id: int) -> dict:
    with db.engine.session() as session:
        job_id = jobs.create(session, EXPLAIN_CALL, {"call_id": call_id}).id
    engine.execute(job_id, settings)
    with db.engine.session() as session:
        result = jobs.get(session, job_id).result
    assert result is not None
    return result


def test_every_feature_has_its_share_in_the_call(settings: Settings, call_id: int) -> None:
    result = explained(settings, call_id)
    with db.engine.session() as session:
        assert result["said"] == predictions.get(session, call_id).call
    assert {share["feature"] for share in result["shares"]} == set(features.NAMES)
    changes = [abs(share["change"]) for share in result["shares"]]
    assert changes == sorted(changes, reverse=True) and changes[0] > 0


def test_a_call_on_candles_that_were_corrected_cannot_be_explained(settings: Settings, call_id: int) -> None:
    with db.engine.session() as session:
        call = predictions.get(session, call_id)
        candles.upsert(session, call.market_id, "1h", walk(60, seed=9, start_ms=to_ms(call.open_time) - 59 * HOUR.ms))
    assert "corrected or removed since" in explained(settings, call_id)["detail"]


def test_what_stands_in_the_way_is_an_answer(settings: Settings, call_id: int) -> None:
    assert explained(settings, 999_999) == {"detail": "There is no such call."}
    (model,) = settings.models.glob("*/job-*/model.onnx")
    model.write_bytes(b"damaged")
    assert "model.onnx is damaged" in explained(settings, call_id)["detail"]
