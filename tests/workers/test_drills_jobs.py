"""Fire drills with real worker and scheduler processes: kill, stop, flush, and garbage."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, func, select, update

import db.engine
from core import job_queue
from core.jobs import JobKind, Queue
from dashapp.embedded.children import spawn
from dashapp.embedded.valkey import Valkey
from db.queries import job_claims, jobs
from db.tables import Job
from tests.workers import sample_jobs as samples
from workers import reaper

Child = subprocess.Popen[bytes]
ROOT = Path(__file__).resolve().parent.parent.parent
WORKER = "import sys, tests.workers.sample_jobs; from workers.__main__ import main; sys.exit(main(sys.argv[1:]))"
PATIENCE = 30.0  # on a busy machine; each wait ends as soon as what it waits for has come


def launch(arguments: tuple[str, ...], database: Engine, redis_url: str, log: Path) -> Child:
    """`python -m workers` with these arguments, knowing the sample jobs."""
    url = database.url.render_as_string(hide_password=False)
    env = os.environ | {"DATABASE_URL": url, "REDIS_URL": redis_url, "BOLT_DATA": str(log.parent)}
    with log.open("wb") as output:
        return spawn([sys.executable, "-c", WORKER, *arguments], env=env, cwd=ROOT, output=output.fileno())


@pytest.fixture
def start(database: Engine, redis_url: str, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start workers and schedulers that a drill may kill; their logs are child-0.log, child-1.log, …"""
    job_queue.connect(redis_url)
    children: list[Child] = []

    def run(*arguments: str) -> Child:
        children.append(launch(arguments, database, redis_url, tmp_path / f"child-{len(children)}.log"))
        return children[-1]

    yield run
    for child in children:
        child.kill()
        child.wait(10)


@pytest.fixture(scope="module")
def standing(engine: Engine, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """One worker for the drills that leave it alive; it serves the queue `train`."""
    child = launch(("--queues", "train"), engine, valkey.url, tmp_path_factory.mktemp("standing") / "worker.log")
    yield child
    child.kill()
    child.wait(10)


@pytest.fixture
def worker(standing: Child, database: Engine, redis_url: str) -> Child:
    job_queue.connect(redis_url)
    return standing


def standing_queue(kind: JobKind) -> JobKind:
    """The same work, for the standing worker."""
    return replace(kind, queue=Queue.TRAIN)


def row(job_id: str) -> Job:
    with db.engine.session() as session:
        return jobs.get(session, job_id)


def until(what: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Wait until `what` is true; returns how long it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "what was waited for did not come"
        time.sleep(0.05)
    return time.monotonic() - began


def begun(folder: Path, attempt: int) -> int:
    """The pid of the process that runs this attempt, once it does."""
    note = folder / f"attempt-{attempt}"
    until(lambda: note.exists() and note.read_text())
    return int(note.read_text())


def submitted(kind: JobKind, folder: Path, seconds: float = 60.0) -> str:
    return jobs.submit(kind, {"folder": str(folder), "seconds": seconds})


def grow_silent(job_id: str) -> None:
    """As if the last heartbeat were two minutes old."""
    with db.engine.session() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(heartbeat_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 2))
        )


def test_killed_child_is_tried_again_at_once_and_succeeds(worker: Child, tmp_path: Path) -> None:
    job_id = submitted(standing_queue(samples.WORK), tmp_path)
    child = begun(tmp_path, 1)
    until(lambda: row(job_id).progress)
    os.kill(child, signal.SIGKILL)
    assert until(lambda: row(job_id).attempt == 2) < 5
    until(lambda: row(job_id).state == "succeeded")
    job = row(job_id)
    assert (job.attempt, job.result) == (2, {"attempt": 2})
    assert job.progress == {"fraction": 0.5, "message": job_claims.INTERRUPTED}


def test_killed_worker_and_child_are_made_good_by_the_reaper(start: Callable[..., Child], tmp_path: Path) -> None:
    first = start("--queues", "predict")
    job_id = submitted(samples.WORK, tmp_path)
    child = begun(tmp_path, 1)
    first.send_signal(signal.SIGSTOP)  # so that it cannot see its child die
    os.kill(child, signal.SIGKILL)
    first.kill()
    start("--queues", "predict")
    assert reaper.reap() == []  # not yet: the heart may only be slow
    grow_silent(job_id)
    assert [job.id for job in reaper.reap()] == [job_id]
    until(lambda: row(job_id).state == "succeeded")
    assert row(job_id).result == {"attempt": 2}


def test_child_that_outlives_its_claim_publishes_nothing(start: Callable[..., Child], tmp_path: Path) -> None:
    start("--queues", "predict")
    start("--queues", "predict")
    job_id = submitted(samples.DEAF, tmp_path, seconds=2)
    begun(tmp_path, 1)
    grow_silent(job_id)
    assert [job.id for job in reaper.reap()] == [job_id]
    until(lambda: row(job_id).state == "succeeded")
    until(lambda: "job_lost_claim" in "".join(log.read_text() for log in tmp_path.glob("child-*.log")))
    assert row(job_id).result == {"attempt": 2}
    assert [note.name for note in tmp_path.glob("published-*")] == ["published-2"]


def test_stopped_worker_gives_its_job_back_and_a_killed_one_leaves_no_child_behind(
    start: Callable[..., Child], tmp_path: Path
) -> None:
    worker = start("--queues", "predict")
    job_id = submitted(samples.WORK, tmp_path)
    begun(tmp_path, 1)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    assert (row(job_id).state, row(job_id).reason, row(job_id).attempt) == ("queued", None, 1)
    worker = start("--queues", "predict")
    until(lambda: row(job_id).state == "succeeded")
    assert row(job_id).result == {"attempt": 2}
    (tmp_path / "attempt-1").unlink()
    second = submitted(samples.WORK, tmp_path)
    child = begun(tmp_path, 1)
    worker.kill()
    until(lambda: not Path(f"/proc/{child}").exists())
    assert row(second).state == "queued"


def test_running_job_is_cancelled_within_two_polls(worker: Child, tmp_path: Path) -> None:
    job_id = submitted(standing_queue(samples.WORK), tmp_path)
    begun(tmp_path, 1)
    with db.engine.session() as session:
        jobs.request_cancel(session, job_id)
    assert until(lambda: row(job_id).state == "cancelled") < 5
    follower = jobs.submit(standing_queue(samples.ADD), {"a": 1, "b": 2})
    until(lambda: row(follower).state == "succeeded")


def test_flushed_redis_loses_no_job_and_runs_none_twice(worker: Child, tmp_path: Path) -> None:
    running = submitted(standing_queue(samples.WORK), tmp_path, seconds=2)
    begun(tmp_path, 1)
    waiting = [jobs.submit(standing_queue(samples.ADD), {"a": n, "b": 0}) for n in range(3)]
    job_queue.redis().flushall()
    assert set(reaper.reconcile()) == set(waiting)
    assert reaper.reconcile() == []
    until(lambda: all(row(job_id).state == "succeeded" for job_id in [running, *waiting]))
    assert [row(job_id).attempt for job_id in [running, *waiting]] == [1, 1, 1, 1]


def _garbage(client: redis.Redis) -> None:
    """Everything somebody could leave under RQ's names: wrong types, broken hashes, text that is no UTF-8."""
    client.set("rq:job:not-a-hash", "garbage")
    client.hset("rq:job:bad-number", mapping={"data": b"\x00", "timeout": "soon", "created_at": "yesterday"})
    client.hset("rq:job:not-json", mapping={"data": b"\x80\x04garbage", "created_at": "2026-01-01T00:00:00.000000Z"})
    client.rpush("rq:queue:train", "not-a-hash", "bad-number", "not-json", "nowhere", b"\xff\xfe")
    client.set("rq:wip:train", "garbage")


def test_garbage_in_redis_does_not_stop_the_worker(worker: Child) -> None:
    client = job_queue.redis()
    with db.engine.session() as session:
        first = jobs.create(session, standing_queue(samples.ADD), {"a": 1, "b": 2}).id
    client.hset(f"rq:job:{first}-0", mapping={"data": b"\x80garbage"})  # a real job whose call was damaged
    client.rpush("rq:queue:train", f"{first}-0")
    _garbage(client)
    until(lambda: client.llen("rq:queue:train") == 0)
    _garbage(client)
    second = jobs.submit(standing_queue(samples.ADD), {"a": 3, "b": 4})
    assert until(lambda: row(second).state == "succeeded") < 10
    until(lambda: reaper.reconcile() == [first] or row(first).state == "succeeded")
    until(lambda: row(first).state == "succeeded")
    assert worker.poll() is None
    assert client.keys("bolt:quarantine:*")


def test_two_schedulers_enqueue_each_slot_once_and_one_follows_the_other(
    start: Callable[..., Child], tmp_path: Path
) -> None:
    both = [start("scheduler"), start("scheduler")]
    logs = [tmp_path / "child-0.log", tmp_path / "child-1.log"]
    until(lambda: all("scheduler_leads" in log.read_text() or "stands_by" in log.read_text() for log in logs))
    until(lambda: all(_count(name) for name in ("top_up", "predict_due", "settle_due", "probe_exchanges")))
    [leader] = [n for n in (0, 1) if "scheduler_leads" in logs[n].read_text()]
    both[leader].terminate()
    assert both[leader].wait(PATIENCE) == 0
    until(lambda: "scheduler_leads" in logs[1 - leader].read_text())
    with db.engine.session() as session:
        names = list(session.scalars(select(Job.dedupe)))
    assert len(names) == len(set(names))


def _count(name: str) -> int:
    with db.engine.session() as session:
        return len(jobs.latest(session, name=name, limit=10))
