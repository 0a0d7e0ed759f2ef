"""The RQ worker of Bolt: it forks a child per job, gives back what a killed child held, and survives garbage."""

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from resource import struct_rusage
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rq import Queue, Worker, worker_registration
from rq.exceptions import DeserializationError, InvalidJobOperation, StopRequested
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import db.engine
from core import job_queue
from core.jobs import WAITING_STATES
from core.settings import Settings
from db.queries import job_claims, jobs
from db.tables.jobs import Job
from workers import engine, holding

PR_SET_PDEATHSIG = 1
POISON = (ResponseError, ValueError, TypeError, KeyError, AttributeError, DeserializationError, InvalidJobOperation)
PAUSE = 1.0  # seconds before a worker that gave up begins again
ORPHAN_SECONDS = 3.0  # for a job to stop in by itself once its worker is dead
KILLED = "The process running the job was killed, at every attempt; it may have run out of memory."

log = logging.getLogger(__name__)


class SafeQueue(Queue):
    """A queue from which a call that cannot be read is put aside instead of ending the worker."""

    @classmethod
    def dequeue_any(cls, queues: Iterable[Queue], *args: Any, **kwargs: Any) -> tuple[RqJob, Queue] | None:
        names = list(queues)
        while True:
            try:
                taken: tuple[RqJob, Queue] | None = super().dequeue_any(names, *args, **kwargs)
            except POISON as fault:
                put_aside(names, getattr(fault, "job_id", None), fault)
            else:
                return taken


def put_aside(queues: list[Queue], call: str | None, fault: Exception) -> None:
    """Move what could not be read to quarantine; the scheduler pushes the job again if there is one."""
    log.warning("redis_value_quarantined", extra={"call": call, "fault": f"{type(fault).__name__}: {fault}"})
    for queue in queues:
        job_queue.mend_keys(queue.name, queue.connection)
        if call is not None:
            queue.connection.lrem(queue.intermediate_queue_key, 0, call)
    if call is not None:
        job_queue.put_aside(RqJob.key_for(call), queues[0].connection)


class BoltWorker(Worker):
    """One worker process; `settings` say where PostgreSQL is. It holds no connection to it while it forks."""

    queue_class = SafeQueue
    max_connection_wait_time = 5.0  # seconds between looks for a Redis that went away
    asked_to_stop: threading.Event

    def run_maintenance_tasks(self) -> None:
        """RQ's own reads every abandoned job, and stumbles over a damaged one; our reaper does that work."""
        self.last_cleaned_at = rq_now()
        for queue in self.queues:
            worker_registration.clean_worker_registry(queue)
            for registry in (queue.started_job_registry, queue.failed_job_registry):
                self.connection.zremrangebyscore(registry.key, 0, time.time())

    def maintain_heartbeats(self, job: RqJob, execution: Execution) -> None:
        """A Redis that is away must not make the worker leave its child alone."""
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as fault:
            log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.asked_to_stop.set()
        super().request_stop(signum, frame)

    def handle_warm_shutdown_request(self) -> None:
        """Pass the stop on: the child writes its checkpoint and gives its job back."""
        log.info("worker_stopping")
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def setup_work_horse_signals(self) -> None:
        """In the child: SIGTERM asks the job to stop, also when it comes because the worker died."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._stop_work)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != self.pid:  # it died before the kernel knew whom to tell
                os.kill(os.getpid(), signal.SIGTERM)

    def _stop_work(self, signum: int, frame: FrameType | None) -> None:
        """Ask the job to stop; once the worker is dead nobody else would end one that waits for an exchange."""
        engine.on_stop(signum, frame)
        threading.Thread(target=self._end_as_orphan, name="orphan", daemon=True).start()

    def _end_as_orphan(self) -> None:
        """In the child: end soon after the worker did. The reaper takes the job back."""
        while os.getppid() == self.pid:
            time.sleep(PAUSE)
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)


def give_back(settings: Settings, job_id: str, attempt: int) -> Job | None:
    """Give back the job whose child was killed, and queue it again at once; None where it ended or moved on."""
    database = db.engine.make_engine(settings.database_url)
    try:
        with Session(database, expire_on_commit=False) as session, session.begin():
            given = job_claims.release(session, job_id, attempt, reason=KILLED, message=job_claims.INTERRUPTED)
    except SQLAlchemyError as fault:
        log.warning("job_not_given_back", extra={"job_id": job_id, "fault": type(fault).__name__})
        return None
    finally:
        database.dispose()  # a connection must never be open when the next child is forked
    if given is not None and given.state in WAITING_STATES:
        jobs.announce(given)
    return given


def make(settings: Settings, queues: list[str], name: str, asked_to_stop: threading.Event) -> BoltWorker:
    """A worker with a Redis connection of its own; `asked_to_stop` is set by SIGTERM."""

    def killed(call: RqJob, _pid: int, _status: int, _usage: struct_rusage) -> None:
        log.warning("job_child_killed", extra={"call": call.id})
        if held := holding.noted():
            give_back(settings, *held)

    connection = Redis.from_url(settings.redis_url, socket_connect_timeout=2)
    for queue in queues:
        job_queue.mend_keys(queue, connection)
    made = BoltWorker(
        queues, name=name, connection=connection, serializer=JSONSerializer, work_horse_killed_handler=killed
    )
    made.asked_to_stop = asked_to_stop
    return made


def serve(settings: Settings, queues: list[str], name: str) -> None:
    """Work until asked to stop. Whatever ends RQ's loop before that begins it anew, in this same process."""
    asked = threading.Event()
    for life in range(sys.maxsize):
        try:
            make(settings, queues, f"{name}-{life}", asked).work(logging_level="WARNING")
            if not asked.is_set():
                log.warning("worker_begins_anew")
                time.sleep(PAUSE)
        except RedisError as fault:
            log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})
            time.sleep(PAUSE)
        except StopRequested:  # raised by SIGTERM between two lives
            return
        if asked.is_set():
            return
