"""Following a job of the training queue from the command line, with workers of its own where none works."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import Refused
from core.jobs import OPEN_STATES, SILENT_FOR, JobState, Queue
from dashapp.cli.attach import Attached
from dashapp.cli.output import Output

MEND = 10.0  # seconds between two looks for what a killed process held
LOOK = 0.5  # seconds between two looks at a job that is followed
CANCEL_SECONDS = 20.0  # how long a cancelled job may take to end before the command leaves it to its worker


@contextmanager
def workers(found: Attached, count: int) -> Iterator[bool]:
    """`count` workers for the training queue for as long as the command waits, where none works; True if so."""
    if any(name.startswith("worker-train") for name in found.roles) or (not found.temporary and _others_work()):
        yield False
        return
    from dashapp.embedded.children import spawn
    from dashapp.supervisor.child import kill_session
    from dashapp.supervisor.environments import environment
    from dashapp.supervisor.roles import worker_command
    from dashapp.version import ROOT

    env = environment(f"worker-{Queue.TRAIN}", found.settings, os.environ)
    command = worker_command(Queue.TRAIN)
    spawned = [spawn(command, env=env, cwd=ROOT, output=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield True
    finally:
        for worker in spawned:
            worker.terminate()
        for worker in spawned:
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


def follow(job_id: str, output: Output, *, what: str, alone: bool = False, kept: bool = False) -> dict[str, Any]:
    """Progress on stderr until the job ends; its result, or Refused with the reason.

    `alone`: no workers but the command's own, and no scheduler, look after jobs. Ctrl-C cancels the job, unless it is
    `kept`: then it only ends the following.
    """
    try:
        job = _until_ended(job_id, output, alone)
    except KeyboardInterrupt:
        if kept:
            output.note(_how_to_go_on(job_id, what, alone))
            raise
        output.note("Cancelling the job ...")
        _cancel(job_id)
        raise
    if job.state != JobState.SUCCEEDED:
        raise Refused(f"The {what} {job.state}: {job.reason or 'no reason was given'}")
    return dict(job.result or {})


def _until_ended(job_id: str, output: Output, alone: bool) -> Any:
    """The row of the job once it has ended."""
    import db.engine
    from db.queries import jobs

    said, mended = "", time.monotonic()
    while True:
        with db.engine.session() as session:
            job = jobs.get(session, job_id)
        line = _progress(job.progress)
        if line and line != said:
            output.note(line)
            said = line
        if job.state not in OPEN_STATES:
            return job
        if alone and time.monotonic() - mended > MEND:
            mend()
            mended = time.monotonic()
        time.sleep(LOOK)


def mend() -> None:
    """What the scheduler does where one runs: give back what a killed process held, hand out what waits."""
    import db.engine
    from db.queries import job_claims, jobs

    with db.engine.session() as session:
        job_claims.take_back(session, silent_for=SILENT_FOR)
    with db.engine.session() as session:
        waiting = [job for job in jobs.waiting(session) if job.queue == Queue.TRAIN]
    for job in waiting:
        jobs.announce(job)


def _how_to_go_on(job_id: str, what: str, alone: bool) -> str:
    if alone:
        state = f"What the {what} has done so far stays; the same command goes on with it."
    else:
        state = f"The {what} goes on in the background; the same command follows it again."
    return f"{state} To end it: `jobs cancel {job_id}`"


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
