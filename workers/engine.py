"""Running one job: claim it, do it, and write down how it ended.

RQ calls `run` in a forked child. Nothing of a job travels through Redis but its id. Whatever happens to this process,
the row tells the truth: while it lives, the heartbeat says so; when it ends on its own feet, it writes the end; when
it is killed, its worker (at once) or the reaper (after a minute) gives the job back.
"""

import importlib
import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TypeVar

from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import core.log
import core.settings
import db.engine
from core.clock import utc_now
from core.errors import BoltError, Cancelled, ExchangeBackOff, LostClaim, Unavailable
from core.jobs import KINDS, WAITING_STATES, JobKind
from core.settings import Settings
from db.queries import job_claims, job_turns, jobs
from db.tables.jobs import Job
from workers import context as roots
from workers import holding
from workers.context import Interrupted, JobContext, Signals
from workers.heartbeat import Heartbeat

BACK_OFF_FIRST = 5.0  # seconds; doubles with every attempt, full jitter
BACK_OFF_MOST = 300.0
RECORD_TRIES = 20  # seconds to wait for a database that restarts before the reaper has to help
TRIES_WHILE_STOPPING = 3  # the database may be stopping as well
PUBLISHED_BUT = "the job was published already, then raised"

log = logging.getLogger(__name__)
signals = Signals()  # of the one job this process runs
_chance = random.SystemRandom()
T = TypeVar("T")


def run(job_id: str) -> None:
    """What RQ calls, in the child: connect anew, then execute."""
    settings = core.settings.read()
    roots.connect(settings)
    execute(job_id, settings)


def on_stop(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM in the child: ask the job to write its checkpoint and come back."""
    signals.stopping.set()


def execute(called: str, settings: Settings) -> None:
    """Claim the job whose turn it is in the queue of the job `called` and carry it to its end.

    That is `called` itself unless somebody else has waited longer. Does nothing where no job there is due.
    """
    with db.engine.session() as session:
        job = job_turns.claim(session, called)
    if job is not None:
        holding.note(job.id, job.attempt)
    token = core.log.job_id.set(job.id if job else called)
    try:
        if job is None:
            log.info("job_not_claimed")
            return
        signals.cancelled.clear()
        signals.lost.clear()
        _carry_out(job, JobContext(settings, job.id, job.attempt, job.owner_id, signals))
    finally:
        core.log.job_id.reset(token)


def help_with(job_id: str, helper: JobContext) -> bool:
    """Carry out another job within the one that `helper` belongs to; False where somebody else has it.

    It has a heartbeat and an end of its own. A stop of the worker reaches both; a cancel reaches only whom it names.
    """
    with db.engine.session() as session:
        job = job_claims.claim(session, job_id)
    if job is None:
        return False
    token = core.log.job_id.set(job_id)
    try:
        mine = Signals(stopping=helper.signals.stopping)
        _carry_out(job, JobContext(helper.settings, job.id, job.attempt, job.owner_id, mine, helping=True))
    finally:
        core.log.job_id.reset(token)
    return True


def _carry_out(job: Job, context: JobContext) -> None:
    kind, began = KINDS.get(job.name), time.monotonic()
    log.info("job_started", extra={"job": job.name, "attempt": job.attempt})
    if kind is None:
        reason = f"This Bolt knows no job “{job.name}”."
        _record(context, lambda s: job_claims.fail(s, job.id, job.attempt, reason=reason))
        return
    with Heartbeat(context, kind.timeout):
        ended = _attempt(job, kind, context)
    log.info("job_ended", extra={"job": job.name, "ended": ended, "seconds": round(time.monotonic() - began, 3)})


def _attempt(job: Job, kind: JobKind, context: JobContext) -> str:
    """Call the function; whatever it raises becomes a state of the row. Returns a word for the log."""
    try:
        with nullcontext() if context.helping else _alarm(kind.timeout):
            result = target(kind)(context, **job.args)
    except Interrupted:
        given = _record(context, lambda s: job_claims.interrupt(s, job.id, job.attempt))
        return _given_back(given)
    except LostClaim:
        log.warning("job_lost_claim", extra={"attempt": job.attempt})
        return "lost"
    except Cancelled:
        return _end(context, "cancelled", lambda s: job_claims.cancel(s, job.id, job.attempt))
    except MemoryError:
        return _end(context, "out_of_memory", lambda s: job_claims.fail(s, job.id, job.attempt, reason="out_of_memory"))
    except JobTimeoutException:
        if kind.resumes:
            given = _record(context, lambda s: job_claims.release(s, job.id, job.attempt, reason="timeout"))
            return _given_back(given)
        return _end(context, "timeout", lambda s: job_claims.fail(s, job.id, job.attempt, reason="timeout"))
    except Exception as error:  # the one place where a job's unknown error becomes a state
        return _failed(job, context, error)
    if context.published:
        return "published"
    return _end(context, "succeeded", lambda s: _succeed(s, job, context, result))


def _failed(job: Job, context: JobContext, error: Exception) -> str:
    if context.published:
        log.error(PUBLISHED_BUT, exc_info=error)
        return "published"
    if isinstance(error, BoltError) and not isinstance(error, Unavailable):
        sentence = error.sentence
        return _end(context, "failed", lambda s: job_claims.fail(s, job.id, job.attempt, reason=sentence))
    known = isinstance(error, BoltError)
    log.warning("job_attempt_failed", extra={"attempt": job.attempt}, exc_info=None if known else error)
    reason = error.sentence if isinstance(error, BoltError) else _unknown(error)
    delay = back_off(job.attempt, error, utc_now())
    given = _record(context, lambda s: job_claims.release(s, job.id, job.attempt, reason=reason, delay=delay))
    return _given_back(given)


def _unknown(error: Exception) -> str:
    return f"An unexpected error ended the job ({type(error).__name__}); the log of the worker holds the details."


def back_off(attempt: int, error: Exception, now: datetime) -> float:
    """Seconds until the next attempt: full jitter under a doubling ceiling, and never before an exchange allows."""
    delay = _chance.uniform(0.0, min(BACK_OFF_MOST, BACK_OFF_FIRST * 2.0**attempt))
    if isinstance(error, ExchangeBackOff):
        delay += max(0.0, (error.until.astimezone(UTC) - now).total_seconds())
    return delay


@contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raise JobTimeoutException in the job after `seconds`. Signals reach the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise JobTimeoutException(f"the job took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def target(kind: JobKind) -> Callable[..., dict[str, Any] | None]:
    """The worker function of a job, imported only now: training alone pays for TensorFlow."""
    module, _, name = kind.target.rpartition(".")
    function: Callable[..., dict[str, Any] | None] = getattr(importlib.import_module(module), name)
    return function


def _succeed(session: Session, job: Job, context: JobContext, result: dict[str, Any] | None) -> bool:
    kept = None if result is None else roots.plain(result)
    return job_claims.succeed(session, job.id, job.attempt, result=kept, progress=context.take_progress())


def _end(context: JobContext, word: str, write: Callable[[Session], bool]) -> str:
    """Write an end by compare-and-set; a job that was taken over leaves nothing but a line in the log."""
    if _record(context, write):
        return word
    log.warning("job_lost_claim", extra={"attempt": context.attempt})
    return "lost"


def _given_back(job: Job | None) -> str:
    """Put a job that was given back onto its queue again, unless it has to wait: the scheduler pushes it then."""
    if job is None:
        log.warning("job_lost_claim")
        return "lost"
    if job.state in WAITING_STATES and job.run_after <= utc_now():
        jobs.announce(job)
    return str(job.state)


def _record(context: JobContext, write: Callable[[Session], T]) -> T:
    """Run `write` in a transaction, waiting for a database that restarts."""
    for left in range(TRIES_WHILE_STOPPING if context.stopping else RECORD_TRIES, -1, -1):
        try:
            with context.session() as session:
                return write(session)
        except SQLAlchemyError:
            if not left:
                raise
            log.warning("job_end_not_written_yet", extra={"tries_left": left})
            time.sleep(1)
    raise AssertionError("unreachable")
