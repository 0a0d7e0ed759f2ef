"""`train`, `predict`, `models`."""

import argparse
from typing import TYPE_CHECKING, Any

from core import disk_space, market_name, timeframe
from core.clock import to_ms, utc_now
from core.errors import Refused
from core.jobs import TRAIN_MODEL, JobState
from core.settings import Settings
from dashapp.cli import train_options
from dashapp.cli.attach import attached
from dashapp.cli.following import follow, workers
from dashapp.cli.output import Output, columns, word
from dashapp.cli.register import Add

if TYPE_CHECKING:
    from ml.config import TrainingConfig


def register(add: Add) -> None:
    learn = add("train", train, "Train the LSTM on stored candles.")
    learn.add_argument("--markets", required=True, help="such as binance:BTC/USDT,binance:ETH/USDT")
    learn.add_argument("--timeframe", required=True)
    learn.add_argument("--horizon", required=True, type=int, metavar="N", help="bars ahead")
    train_options.add(learn)
    learn.add_argument("--wait", action="store_true", help="follow the job and print the model's card")
    call = add("predict", predict, "Print the call on the last closed candle, made once.")
    call.add_argument("market", help="such as binance:BTC/USDT")
    call.add_argument("--timeframe", required=True)
    add("models", models, "List the trained models.")


def train(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Submit the job, or go on with the same one while it is open; with --wait follow it to its end."""
    from ml import config

    names = [str(market_name.parse(text)) for text in asked.markets.split(",") if text.strip()]
    chosen = train_options.read(asked)
    knobs = {key: value for key, value in chosen.items() if key != "seeds"}
    seeds = config.first_seeds(chosen["seeds"])
    wanted = config.TrainingConfig(tuple(names), asked.timeframe, asked.horizon, seeds=seeds, **knobs)
    disk_space.demand(settings.models)
    arguments = {"markets": names, "timeframe": asked.timeframe, "horizon": asked.horizon, **chosen}
    with attached(settings, output) as found:
        standing = _standing(wanted.work, output)
        _look_ahead(wanted, output)
        job_id = _submit(arguments, wanted.work)
        if not asked.wait:
            waits = "is at work" if standing == JobState.RUNNING else "waits for a worker"
            output.result({"job": job_id, "new": standing is None}, [f"Job {job_id} {waits}."])
            return 0
        output.note(f"Job {job_id}")
        with workers(found, settings.workers_train or 1 if wanted.walks else 1) as alone:
            card = follow(job_id, output, what="training", alone=alone, kept=wanted.walks)
    output.result({"job": job_id, **card}, _lines(card))
    return 0


def _look_ahead(wanted: "TrainingConfig", output: Output) -> None:
    """Say what each market has to earn; raises Refused where costs would eat it."""
    import db.engine
    from ml import training_outlook

    with db.engine.session() as session:
        found = training_outlook.look(session, wanted, now_ms=to_ms(utc_now()))
    for name, ahead in found.items():
        output.note(training_outlook.line(name, ahead, wanted.cost))
    training_outlook.demand(found, wanted)


def _standing(work: str, output: Output) -> str | None:
    """The state of the open job that does this work, said in a line with how far it is; None where there is none.

    Raises Refused while it is being cancelled.
    """
    import db.engine
    from db.queries import jobs, training_runs

    with db.engine.session() as session:
        job = jobs.open_with(session, work)
        if job is None:
            return None
        if job.cancel_requested:
            raise Refused("The same training is being cancelled. Try again once it has ended.")
        parts = training_runs.parts(session, job.id)
    far = job.progress.get("message", "not begun")
    if parts:
        far = f"{sum(part.state == training_runs.DONE for part in parts)} of {len(parts)} parts done"
    begun = job.started_at or job.created_at
    output.note(f"Going on with the training begun at {begun:%Y-%m-%d %H:%M} UTC, {far}.")
    return job.state


def _submit(arguments: dict[str, Any], work: str) -> str:
    import db.engine
    from db.queries import audit, jobs

    job_id = jobs.submit(TRAIN_MODEL, arguments, asked_by=audit.COMMAND_LINE, dedupe=work)
    with db.engine.session() as session:
        audit.by_command(session, "training_asked", f"job {job_id}")
    return job_id


def predict(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """The row for the last closed candle: written if it is missing, never a second time."""
    import db.engine
    from db.queries import audit
    from ml import predictor

    name = market_name.parse(asked.market)
    timeframe.parse(asked.timeframe)
    with attached(settings, output) as found, db.engine.session() as session:
        row = predictor.predict_now(session, name, asked.timeframe, models=found.settings.models, now=utc_now())
        audit.by_command(session, "call_asked", f"{name} {asked.timeframe}")
    output.result(row, _lines(row))
    return 0


def models(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from db.queries import trained_models

    with attached(settings, output), db.engine.session() as session:
        rows = trained_models.summaries(session)
    output.result(rows, _listed(rows) or ["No model has been trained yet."])
    return 0


def _listed(rows: list[dict[str, Any]]) -> list[str]:
    """A table of the short values, and under each model what was found about it."""
    short = [{key: value for key, value in row.items() if key != "finding"} for row in rows]
    head, *lines = columns(short) or [""]
    found = [[line, f"  {row.get('finding', '')}".rstrip()] for line, row in zip(lines, rows, strict=True)]
    return [head, *(line for pair in found for line in pair if line)] if rows else []


def _lines(document: dict[str, Any], indent: str = "") -> list[str]:
    """A document for a person: one line a value, deeper ones indented; long lists are for --json."""
    lines = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        elif not isinstance(value, list) or all(isinstance(item, str | int) for item in value):
            lines.append(f"{indent}{key}: {word(value)}")
    return lines
