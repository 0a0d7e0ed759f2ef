"""The scheduled look at champions, as a worker runs it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import market_name
from core.clock import to_ms, utc_now
from core.job_queue import connect
from core.jobs import TRAIN_MODEL, WATCH_MODELS
from core.settings import Settings
from db.queries import audit, candles, jobs, markets, retraining, trained_models
from db.tables import Retraining, User
from tests.candles import walk
from tests.ml import versions
from workers import engine

HOUR = 3_600_000


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


def test_a_schedule_that_costs_would_eat_is_told_to_who_set_it(settings: Settings, tmp_path: Path) -> None:
    asked = replace(versions.config(), cost=0.2)
    card = versions.card(asked, versions.prepared(asked))
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(asked.markets[0]), simulated=True)
        candles.upsert(session, market.id, "1h", walk(600, start_ms=to_ms(utc_now()) // HOUR * HOUR - 600 * HOUR))
        person = User(email="ada@example.org", password_hash="none", role="analyst")
        session.add(person)
        session.flush()
        model = versions.publish(session, tmp_path, card, asked)
        retraining.put(session, model.name, cron="* * * * *", on_drift=False, changed_by=person.id)
        plan = session.get(Retraining, model.name)
        assert plan is not None
        plan.changed_at = model.created_at - timedelta(days=1)
        watch, ada = jobs.create(session, WATCH_MODELS, {}).id, person.id
    engine.execute(watch, settings)
    with db.engine.session() as session:
        done = jobs.get(session, watch).result
        assert done is not None and done["asked"] == []
        (training,) = jobs.latest(session, name=TRAIN_MODEL.name)
        assert training.owner_id == ada, "its refusal becomes a notice of hers"
        (event,) = audit.page(session, audit.Wanted(action="retraining_refused"))
        assert event.object == card.name and "less than 3 times the costs" in event.detail["because"]


def test_champions_are_looked_at_and_trainings_asked_for(settings: Settings, tmp_path: Path) -> None:
    asked = versions.config()
    card = versions.card(asked, versions.prepared(asked))
    with db.engine.session() as session:
        model = versions.publish(session, tmp_path, card, asked)
        retraining.put(session, model.name, cron="* * * * *", on_drift=False, changed_by=None)
        plan = session.get(Retraining, model.name)
        assert plan is not None
        plan.changed_at = model.created_at.replace(year=model.created_at.year - 1)
        job_id = jobs.create(session, WATCH_MODELS, {}).id
    engine.execute(job_id, settings)
    with db.engine.session() as session:
        done = jobs.get(session, job_id)
        assert done.result == {"states": {"unknown": 1}, "asked": [card.name], "scorecards": 0}
        (training,) = jobs.latest(session, name=TRAIN_MODEL.name)
        assert training.args["markets"] == list(asked.markets)
        (event,) = audit.page(session, audit.Wanted(action="training_asked"))
        assert event.detail == {"family": card.name, "why": "schedule * * * * *"}
        assert len(trained_models.champions(session)) == 1
