"""The heart of a running job: a thread that tells PostgreSQL the job lives and brings back what people asked.

It keeps beating while the job's own thread computes, and it is the last resort against a job that neither ends at
its timeout nor when its worker is stopped.
"""

import logging
import os
import threading
import time
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from core.errors import LostClaim
from db.queries import job_claims, jobs
from workers.context import JobContext

POLL = 1.0  # seconds between looks at the row: reads one line, writes only what is new
BEAT = 5.0  # seconds between heartbeats; the reaper waits for 60
STOP_GRACE = 14.0  # seconds a job has to write its checkpoint; Ctrl-C ends all of Bolt within 20
TIMEOUT_GRACE = 5.0  # the job's thread gets the timeout first; code that never returns to Python does not see it
STOPPED, TIMED_OUT = 75, 70  # exit codes of a child that ends without its job's consent

log = logging.getLogger(__name__)


class Heartbeat:
    """`with Heartbeat(context, timeout):` around the work; `timeout` in seconds."""

    def __init__(self, context: JobContext, timeout: float) -> None:
        self.context = context
        self.timeout = timeout
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        self._began = self._last_beat = time.monotonic()
        self._stopping_since: float | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._ended.wait(POLL):
            try:
                self._look()
                self._enforce(time.monotonic())
            except LostClaim:
                if not self.context.published:
                    self.context.signals.lost.set()
                return
            except SQLAlchemyError as error:  # a restart of the server: the next beat finds it again
                log.warning("heartbeat_missed", extra={"fault": type(error).__name__})

    def _look(self) -> None:
        """Write what is new or due, else only read; pass a cancel request on."""
        context, now = self.context, time.monotonic()
        news, due = context.take_progress(), now - self._last_beat >= BEAT
        with context.session() as session:
            if news is not None or due:
                asked = job_claims.beat(session, context.job_id, context.attempt, news)
                self._last_beat = now
            else:
                asked = job_claims.cancel_asked(session, context.job_id, context.attempt)
        if asked:
            context.signals.cancelled.set()

    def _enforce(self, now: float) -> None:
        """End this process where the job does not end by itself, and say so in its row first."""
        context = self.context
        if now - self._began > self.timeout + TIMEOUT_GRACE:
            log.error("job_ignored_its_timeout")
            with context.session() as session:
                job_claims.fail(session, context.job_id, context.attempt, reason="timeout")
            os._exit(TIMED_OUT)
        if not context.stopping:
            return
        self._stopping_since = self._stopping_since or now
        if now - self._stopping_since > STOP_GRACE:
            log.error("job_ignored_the_stop")
            with context.session() as session:
                given = job_claims.interrupt(session, context.job_id, context.attempt)
            if given is not None:
                jobs.announce(given)
            os._exit(STOPPED)
