"""System health on the admin desk: which parts are at work, in which versions, and who does the waiting jobs."""

from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from flask import current_app
from redis.exceptions import RedisError

import core.job_queue
import db.queries.job_table as job_table
from core.job_queue import LiveWorker
from db.queries.storage import Storage
from layouts.components.numbers import MISSING, duration

PACKAGES = (("Dash", "dash"), ("TensorFlow", "tensorflow"))
Fact = tuple[str, str, str]  # (part, words, kind of dot)


def redis_version() -> str | None:
    """The server's version, None where it does not answer."""
    try:
        return str(core.job_queue.redis().info("server")["redis_version"])
    except RedisError:
        return None


def live_workers() -> list[LiveWorker]:
    """Workers that Redis knows of; none where it does not answer."""
    try:
        return core.job_queue.live_workers()
    except RedisError:
        return []


def health(store: Storage, redis: str | None, counts: job_table.Counts, *, scheduler: bool) -> list[Fact]:
    """Every part of the system with its version."""
    return [
        ("Bolt", str(current_app.extensions["bolt_version"]), "ok"),
        ("Scheduler", "at work" if scheduler else "not at work", "ok" if scheduler else "bad"),
        ("Jobs", f"{counts.running} running, {counts.queued} queued", "ok" if counts.running else "off"),
        ("PostgreSQL", store.server, "ok"),
        ("Database revision", store.revision or "none", "ok" if store.revision else "bad"),
        ("Redis", redis or "does not answer", "ok" if redis else "bad"),
        ("Python", python_version(), "ok"),
        *(installed(name, package) for name, package in PACKAGES),
        ("Registration", current_app.extensions["bolt_settings"].registration, "off"),
    ]


def installed(name: str, package: str) -> Fact:
    """A package's version; the web image has no TensorFlow, and only workers need it."""
    try:
        return name, version(package), "ok"
    except PackageNotFoundError:
        return name, "not installed here", "off"


def queues(rows: list[job_table.QueueRow], workers: list[LiveWorker]) -> list[tuple[str, str, str, str, str]]:
    """(queue, due jobs, wait of the oldest, its workers, kind of dot); a queue with jobs and no worker is bad."""
    found = []
    for row in rows:
        hands = sum(row.name in worker.queues for worker in workers)
        kind = "ok" if hands else "bad" if row.depth else "off"
        waited = duration(row.waited) if row.depth else MISSING
        found.append((row.name, str(row.depth), waited, str(hands), kind))
    return found
