"""`train`, `predict`, `models`."""

import argparse
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core import disk_space, market_name, timeframe
from core.clock import utc_now
from core.errors import Refused
from core.jobs import OPEN_STATES, TRAIN_MODEL, JobState, Queue
from core.settings import Settings
from dashapp.cli import train_options
from dashapp.cli.attach import Attached, attached
from dashapp.cli.output import Output, columns, word
from dashapp.cli.register import Add

LOOK = 0.5  # seconds between two looks at a job that is followed
CANCEL_SECONDS = 20.0  # how long a cancelled job may take to end before the command leaves it to its worker


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
    """Submit the job; with --wait follow it to its end."""
    import db.engine
    from db.queries import audit, jobs
    from ml import config

    names = [str(market_name.parse(text)) for text in asked.markets.split(",") if text.strip()]
    chosen = train_options.read(asked)
    knobs = {key: value for key, value in chosen.items() if key != "seeds"}
    seeds = config.first_seeds(chosen["seeds"])
    config.TrainingConfig(tuple(names), asked.timeframe, asked.horizon, seeds=seeds, **knobs)
    disk_space.demand(settings.models)
    arguments = {"markets": names, "timeframe": asked.timeframe, "horizon": asked.horizon, **chosen}
    with attached(settings, output) as found:
        job_id = jobs.submit(TRAIN_MODEL, arguments, asked_by=audit.COMMAND_LINE)
        with db.engine.session() as session:
            audit.record(
                session, actor_id=None, actor=audit.COMMAND_LINE, action="training_asked", object=f"job {job_id}"
            )
        if not asked.wait:
            output.result({"job": job_id}, [f"Job {job_id} waits for a worker."])
            return 0
        output.note(f"Job {job_id}")
        with _workers(found, 1 if chosen["scheme"] == config.SINGLE else settings.workers_train or 1):
            card = _follow(job_id, output)
    output.result({"job": job_id, **card}, _lines(card))
    return 0


@contextmanager
def _workers(found: Attached, count: int) -> Iterator[None]:
    """`count` workers for the training queue for as long as the command waits, where none works."""
    if any(name.startswith("worker-train") for name in found.roles) or (not found.temporary and _others_work()):
        yield
        return
    from dashapp.embedded.children import spawn
    from dashapp.supervisor.child import kill_session
    from dashapp.supervisor.environments import environment
    from dashapp.supervisor.roles import worker_command
    from dashapp.version import ROOT

    env = environment(f"worker-{Queue.TRAIN}", found.settings, os.environ)
    command = worker_command(Queue.TRAIN)
    workers = [spawn(command, env=env, cwd=ROOT, output=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            kill_session(worker.pid)


def _others_work() -> bool:
    """True where RQ knows a worker for the training queue, on any host."""
    from rq import Worker

    from core import job_queue

    return bool(Worker.count(queue=job_queue.queue(Queue.TRAIN)))


def _follow(job_id: str, output: Output) -> dict[str, Any]:
    """Progress on stderr until the job ends; its result, or Refused with the reason. Ctrl-C cancels the job."""
    import db.engine
    from db.queries import jobs

    said = ""
    try:
        while True:
            with db.engine.session() as session:
                job = jobs.get(session, job_id)
            line = _progress(job.progress)
            if line and line != said:
                output.note(line)
                said = line
            if job.state not in OPEN_STATES:
                break
            time.sleep(LOOK)
    except KeyboardInterrupt:
        output.note("Cancelling the job ...")
        _cancel(job_id)
        raise
    if job.state != JobState.SUCCEEDED:
        raise Refused(f"The training {job.state}: {job.reason or 'no reason was given'}")
    return dict(job.result or {})


def _progress(progress: dict[str, Any]) -> str:
    if not progress:
        return ""
    return f"{100 * float(progress.get('fraction', 0)):3.0f} %  {progress.get('message', '')}"


def _cancel(job_id: str) -> None:
    import db.engine
    from db.queries import jobs

    with db.engine.session() as session:
        jobs.request_cancel(session, job_id)
    deadline = time.monotonic() + CANCEL_SECONDS
    while time.monotonic() < deadline:
        with db.engine.session() as session:
            if jobs.get(session, job_id).state not in OPEN_STATES:
                return
        time.sleep(LOOK)


def predict(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """The row for the last closed candle: written if it is missing, never a second time."""
    import db.engine
    from ml import predictor

    name = market_name.parse(asked.market)
    timeframe.parse(asked.timeframe)
    with attached(settings, output) as found, db.engine.session() as session:
        row = predictor.predict_now(session, name, asked.timeframe, models=found.settings.models, now=utc_now())
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
