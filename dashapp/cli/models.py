"""`train`, `predict`, `models`."""

import argparse
from typing import Any

from core import disk_space, market_name, timeframe
from core.clock import utc_now
from core.jobs import TRAIN_MODEL
from core.settings import Settings
from dashapp.cli import train_options
from dashapp.cli.attach import attached
from dashapp.cli.following import follow, workers
from dashapp.cli.output import Output, columns, word
from dashapp.cli.register import Add


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
        with workers(found, 1 if chosen["scheme"] == config.SINGLE else settings.workers_train or 1):
            card = follow(job_id, output, what="training")
    output.result({"job": job_id, **card}, _lines(card))
    return 0


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
