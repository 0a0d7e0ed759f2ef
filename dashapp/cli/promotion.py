"""`promote`, `rebuild`."""

import argparse

from core.jobs import REBUILD_MODEL
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.following import follow, workers
from dashapp.cli.output import Output
from dashapp.cli.register import Add

NAMED = "such as `binance-btc-usdt-1h-h24 v3`, `…@3`, or its id"


def register(add: Add) -> None:
    up = add("promote", promote, "Make a model version the proven champion, if it passes every line of the gate.")
    again = add("rebuild", rebuild, "Train a version again from what its card names and say how it differs.")
    for command in (up, again):
        command.add_argument("model", nargs="+", metavar="MODEL", help=NAMED)


def promote(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Print every line of the gate; exit 1 when one does not pass."""
    import db.engine
    from db.queries import audit, trained_models
    from ml import registry

    with attached(settings, output) as found, db.engine.session() as session:
        model = trained_models.named(session, " ".join(asked.model))
        title, models = registry.title(model), found.settings.models
        gate = registry.gate_of(session, model, models=models)
        if gate.passed:
            registry.promote(session, model, models=models, actor_id=None, actor=audit.COMMAND_LINE)
    lines = [
        f"{'pass' if line.passed else 'FAIL'}  {line.title}: {line.value}. {line.detail}".rstrip()
        for line in gate.lines
    ]
    end = f"{title} is the proven champion now." if gate.passed else f"{title} was not promoted."
    document = {"model": title, "promoted": gate.passed, "lines": [line.to_dict() for line in gate.lines]}
    output.result(document, [*lines, end])
    return 0 if gate.passed else 1


def rebuild(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Exit 0 when it came out the same, 1 when it differs."""
    import db.engine
    from db.queries import audit, jobs, trained_models
    from ml import registry

    with attached(settings, output) as found:
        with db.engine.session() as session:
            model = trained_models.named(session, " ".join(asked.model))
            model_id, title = model.id, registry.title(model)
        job_id = jobs.submit(
            REBUILD_MODEL, {"model_id": model_id}, asked_by=audit.COMMAND_LINE, dedupe=f"rebuild:{model_id}"
        )
        with db.engine.session() as session:
            audit.by_command(session, "rebuild_asked", title, job=job_id)
        output.note(f"Job {job_id}")
        with workers(found, settings.workers_train or 1) as alone:
            told = follow(job_id, output, what="rebuild", alone=alone)
    same_files = ", ".join(told["same_files"]) or "none"
    lines = [f"{title}: {told['finding']}", f"Largest difference: {told['difference']:.3g}. Same files: {same_files}."]
    output.result({"model": title, "job": job_id, **told}, lines)
    return 0 if told["same"] else 1
