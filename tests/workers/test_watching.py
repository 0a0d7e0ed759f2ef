"""The scheduled look at champions, as a worker runs it."""

from pathlib import Path

from sqlalchemy import Engine

import core.settings
import db.engine
from core.job_queue import connect
from core.jobs import TRAIN_MODEL, WATCH_MODELS
from db.queries import audit, jobs, retraining, trained_models
from db.tables import Retraining
from tests.ml import versions
from workers import engine


def test_champions_are_looked_at_and_trainings_asked_for(database: Engine, redis_url: str, tmp_path: Path) -> None:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    settings = core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})
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
