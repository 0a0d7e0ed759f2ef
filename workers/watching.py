"""Looking after champions, and asking for the trainings their schedules want."""

from typing import Any

from core.clock import utc_now
from core.jobs import TRAIN_MODEL
from db.queries import jobs, trained_models
from ml import watching
from workers.context import JobContext


def watch_models(context: JobContext) -> dict[str, Any]:
    """Judge every champion for drift and age, train again what is due, and bring scorecards up to date."""
    now, days = utc_now(), context.settings.model_max_age_days
    with context.session() as session:
        champions = [model.id for model in trained_models.champions(session)]
    states: dict[str, int] = {}
    for number, model_id in enumerate(champions):
        context.check_cancelled()
        context.progress(number / len(champions), "Looking at champions")
        with context.session() as session:
            model = trained_models.get(session, model_id)
            if model.state != trained_models.CHAMPION:  # another one was put in its place meanwhile
                continue
            state = watching.look_at(session, model, now=now, max_age_days=days).state
            states[state] = states.get(state, 0) + 1
    with context.session() as session:
        due = watching.trainings_due(session, now=now)
    for one in due:
        with context.session() as session:
            job = jobs.create(session, TRAIN_MODEL, one.args, owner_id=one.owner_id, dedupe=f"retrain:{one.family}")
            watching.note_asked(session, one, job.id)
        jobs.announce(job)
    with context.session() as session:
        drawn = watching.redraw(session)
    return {"states": states, "asked": [one.family for one in due if not one.refused], "scorecards": drawn}
