"""Jobs that exist for tests alone. Importing this module makes their kinds known; a drill's worker imports it too."""

import os
import time
from pathlib import Path
from typing import Any

from core.errors import Cancelled, ExchangeUnavailable, Refused
from core.jobs import KINDS, JobKind, Queue
from workers.context import JobContext


def _kind(name: str, *, timeout: int = 60, attempts: int = 3, queue: Queue = Queue.PREDICT) -> JobKind:
    kind = JobKind(f"sample_{name}", queue, f"tests.workers.sample_jobs.{name}", timeout, attempts)
    KINDS[kind.name] = kind
    return kind


def add(context: JobContext, a: int, b: int) -> dict[str, Any]:
    context.progress(1, "added")
    return {"sum": a + b}


def refuse(context: JobContext) -> None:
    raise Refused("The span holds 3 candles. Choose an earlier start.")


def unavailable(context: JobContext) -> None:
    raise ExchangeUnavailable("binance does not answer.")


def break_down(context: JobContext) -> None:
    raise ZeroDivisionError("nobody expected this")


def stop_yourself(context: JobContext) -> None:
    raise Cancelled("The job was cancelled.")


def exhaust_memory(context: JobContext) -> None:
    raise MemoryError


def dawdle(context: JobContext, seconds: float) -> None:
    time.sleep(seconds)


def publish_then_break(context: JobContext) -> None:
    with context.publish({"version": 1}):
        pass
    raise ValueError("after the fact")


def publish_but_break_inside(context: JobContext) -> None:
    with context.publish({"version": 1}):
        raise Refused("The files could not be written. Free some disk space.")


def work(context: JobContext, folder: str, seconds: float) -> dict[str, Any]:
    """Note who runs which attempt, then work until told otherwise: on the first attempt only."""
    Path(folder, f"attempt-{context.attempt}").write_text(f"{os.getpid()}")
    end = time.monotonic() + (seconds if context.attempt == 1 else 0)
    while time.monotonic() < end:
        context.check_cancelled()
        context.progress(0.5, "working")
        time.sleep(0.05)
    return {"attempt": context.attempt}


def deaf(context: JobContext, folder: str, seconds: float) -> dict[str, Any]:
    """Work that never looks up, and publishes what it made."""
    Path(folder, f"attempt-{context.attempt}").write_text(f"{os.getpid()}")
    time.sleep(seconds if context.attempt == 1 else 0)
    with context.publish({"attempt": context.attempt}):
        Path(folder, f"published-{context.attempt}").touch()
    return {}


ADD = _kind("add")
REFUSE = _kind("refuse")
UNAVAILABLE = _kind("unavailable", attempts=2)
BREAK_DOWN = _kind("break_down")
STOP_YOURSELF = _kind("stop_yourself")
EXHAUST_MEMORY = _kind("exhaust_memory")
DAWDLE = _kind("dawdle", timeout=1)
PUBLISH_THEN_BREAK = _kind("publish_then_break")
PUBLISH_BUT_BREAK_INSIDE = _kind("publish_but_break_inside")
WORK = _kind("work")
DEAF = _kind("deaf")
