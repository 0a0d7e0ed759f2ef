"""Training a version again from what its card names, to prove that it is what it says."""

import shutil

from core.clock import to_ms, utc_now
from core.errors import ModelUnavailable
from db.queries import audit, scorecards, trained_models
from db.tables import TrainedModel
from ml import artefacts, config, history, rebuilding, registry
from ml.card import Card
from ml.dataset import Frame
from ml.leak_examination import frame_of
from workers import training, walk_forward
from workers.context import JobContext


def rebuild_model(context: JobContext, model_id: int) -> None:
    """Train a version's recorded candles, configuration and seeds once more and keep how it differs.

    Nothing serves because of it. Raises NotFound, NotEnoughData, Cancelled.
    """
    with context.session() as session:
        model = trained_models.get(session, model_id)
        session.expunge(model)
    then, asked = Card.from_dict(model.card), config.from_dict(model.config)
    work = walk_forward.folder(context.settings.models, context.job_id)
    until = max(span.last_ms for span in then.data) + asked.step.ms
    context.progress(0.0, "Reading candles", stage="reading")

    def frames() -> list[Frame]:
        return [frame_of(context.session, span, asked) for span in then.data]

    try:
        built = training.made(context, asked, work, frames, until)
    finally:
        if not context.stopping:
            shutil.rmtree(work, ignore_errors=True)
    old = _files(context, model)
    found = rebuilding.compare(then, built.card, old=old, new=built.files, created_ms=to_ms(utc_now()))
    with context.publish(found.to_dict()) as session:
        state = "same" if found.same else "changed" if found.changed else "different"
        scorecards.keep_report(session, model_id, scorecards.REBUILD, state, found.to_dict())
        audit.record(
            session, actor_id=None, actor=audit.SYSTEM, action=history.REBUILT, object=registry.title(model),
            detail={"state": state, "job": context.job_id},
        )  # fmt: skip


def _files(context: JobContext, model: TrainedModel) -> dict[str, bytes]:
    """The version's files that are whole."""
    found = {}
    for name in rebuilding.COMPARED:
        try:
            found[name] = artefacts.read_checked(context.settings.models, model.folder, name, model.manifest)
        except ModelUnavailable:
            continue
    return found
