"""Scheduler, reaper and reconciler in one process. Any number may run; the one that holds the lease works."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core import job_queue
from core.clock import utc_now
from core.settings import Settings
from db.queries import jobs, leases, uploads
from db.tables.jobs import Job
from workers import reaper
from workers.context import connect
from workers.schedule import AT_START, ENTRIES, Entry

LEASE = "scheduler"
LEASE_SECONDS = 20.0
RENEW = 5.0  # seconds between renewals: three may fail before somebody else takes over
TICK = 1.0
MEND = 5.0  # seconds between looks for lost jobs and lost calls
TIDY = 600.0
UPLOAD_HOURS = 1  # a file nobody imports is kept this long
ROUTINE_HOURS = 6  # runs of the schedule that went well are kept this long

log = logging.getLogger(__name__)


class Scheduler:
    """`tick` does what is due, if this process holds the lease. `now` and `monotonic` are passed in."""

    def __init__(self, name: str, entries: tuple[Entry, ...] = ENTRIES) -> None:
        self.name = name
        self.entries = entries
        self.leads: bool | None = None  # not known before the first renewal
        self._done: dict[str, float] = {}
        self._slots: dict[str, datetime] = {}  # spares a query where this process fired the slot itself

    def tick(self, now: datetime, monotonic: float) -> None:
        if self._due("renew", RENEW, monotonic):
            self._renew()
        if not self.leads:
            return
        for entry in self.entries:
            self._fire(entry, now)
        if self._due("mend", MEND, monotonic):
            reaper.reap()
            reaper.reconcile()
        if self._due("tidy", TIDY, monotonic):
            tidy(self.entries)

    def _fire(self, entry: Entry, now: datetime) -> None:
        slot = entry.slot(now)
        if self._slots.get(entry.kind.name) != slot:
            fire(entry, now)
            self._slots[entry.kind.name] = slot

    def give_up(self) -> None:
        with db.engine.session() as session:
            leases.give_up(session, LEASE, self.name)

    def _renew(self) -> None:
        with db.engine.session() as session:
            leads = leases.take(session, LEASE, self.name, seconds=LEASE_SECONDS)
        if leads != self.leads:
            log.info("scheduler_leads" if leads else "scheduler_stands_by", extra={"scheduler": self.name})
        if leads and self.leads is None:  # Bolt starts; one that takes over later changes nothing
            fire_at_start()
        self.leads = leads

    def _due(self, what: str, every: float, monotonic: float) -> bool:
        if monotonic - self._done.get(what, float("-inf")) < every:
            return False
        self._done[what] = monotonic
        return True


def fire(entry: Entry, now: datetime) -> Job | None:
    """Enqueue the newest slot of an entry if nobody has; slot and job are written together."""
    slot = entry.slot(now)
    with db.engine.session() as session:
        if not leases.claim_slot(session, entry.kind.name, slot):
            return None
        job = jobs.create(session, entry.kind, entry.args, dedupe=entry.dedupe(slot))
        replaced = jobs.supersede(session, entry.kind, keep=entry.dedupe(slot))
    _forget(replaced)
    jobs.announce(job)
    return job


def _forget(replaced: list[Job]) -> None:
    """Take calls of replaced runs out of the queue: after a night without workers there would be thousands."""
    try:
        for job in replaced:
            job_queue.forget(job.queue, job_queue.call_id(job.id, job.attempt))
    except RedisError as fault:
        log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})


def fire_at_start() -> None:
    """What must not wait for its slot when Bolt starts."""
    for kind in AT_START:
        jobs.submit(kind, {}, dedupe=f"{kind.name}@start")


def tidy(entries: tuple[Entry, ...] = ENTRIES) -> int:
    """Clear ended jobs away, and files whose import came to nothing. Returns how many jobs."""
    with db.engine.session() as session:
        gone = jobs.prune(session, names=[entry.kind.name for entry in entries], hours=ROUTINE_HOURS)
        files = uploads.clear_away(session, hours=UPLOAD_HOURS)
    if gone or files:
        log.info("cleared_away", extra={"jobs": gone, "files": files})
    return gone


def serve(settings: Settings, name: str) -> None:
    """Tick once a second until SIGTERM; a database that is away is waited for."""
    connect(settings)
    asked = threading.Event()
    _on_stop(asked.set)
    scheduler = Scheduler(name)
    log.info("scheduler_started", extra={"scheduler": name})
    while not asked.is_set():
        _safely(lambda: scheduler.tick(utc_now(), time.monotonic()))
        asked.wait(TICK)
    _safely(scheduler.give_up)
    log.info("scheduler_ended", extra={"scheduler": name})


def _safely(act: Callable[[], None]) -> None:
    try:
        act()
    except SQLAlchemyError as fault:
        log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})


def _on_stop(stop: Callable[[], None]) -> None:
    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
