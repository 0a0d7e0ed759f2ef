"""`python -m workers --queues market,predict` runs one worker; `python -m workers scheduler` runs the scheduler;
`python -m workers live --exchange binance` follows the streams of an exchange.

All read the environment of `core.settings`; DATABASE_URL and REDIS_URL must stand in it.
"""

import argparse
import importlib
import logging
import os
import socket
import sys
import uuid
from collections.abc import Sequence

import core.log
from core import job_queue
from core.errors import BoltError, ConfigurationError
from core.jobs import Queue
from core.settings import Settings, read
from workers import scheduler, worker

# Imported once in the parent, so that each forked child has it at no cost. Never TensorFlow: it hangs forked children.
PRELOADED: dict[str, tuple[str, ...]] = {
    Queue.MARKET: ("ccxt", "numpy"),
    Queue.PREDICT: ("numpy", "onnxruntime"),
    Queue.TRAIN: ("numpy",),
}

log = logging.getLogger("workers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the role that is asked for; returns the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        settings = _settings()
        core.log.configure(asked.role, settings.log_level)
        if asked.role == "scheduler":
            scheduler.serve(settings, unique_name("scheduler"))
        elif asked.role == "live":
            _follow(settings, asked.exchange)
        else:
            _work(settings, asked.queues)
    except BoltError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _work(settings: Settings, queues: list[str]) -> None:
    for queue in queues:
        for module in PRELOADED.get(queue, ()):
            importlib.import_module(module)
    job_queue.connect(settings.redis_url)
    name = unique_name("-".join(queues))
    log.info("worker_started", extra={"worker": name, "queues": queues})
    worker.serve(settings, queues, name)
    log.info("worker_ended", extra={"worker": name})


def _follow(settings: Settings, exchange: str) -> None:
    from workers import live  # loads ccxt.pro, which no other process needs

    live.serve(settings, exchange, unique_name(f"live-{exchange}"))


def unique_name(role: str) -> str:
    """A name no other process has, also after this one's pid is given away again."""
    return f"{role}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _settings() -> Settings:
    settings = read()
    if not settings.database_url or not settings.redis_url:
        raise ConfigurationError("Workers need DATABASE_URL and REDIS_URL. `make run` starts them with both.")
    return settings


def _queues(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in list(Queue)]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"queues are {', '.join(Queue)}")
    # Whoever fetches the past looks first whether something has just closed.
    first = [Queue.NOW.value] if Queue.MARKET in names and Queue.NOW not in names else []
    return [*first, *names]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers")
    parser.add_argument("role", nargs="?", choices=["worker", "scheduler", "live"], default="worker")
    parser.add_argument("--exchange", default="binance", help="whose streams `live` follows, such as binance or demo")
    parser.add_argument("--queues", type=_queues, default=list(Queue), help="such as market,predict")
    return parser


if __name__ == "__main__":
    sys.exit(main())
