"""Reaper and reconciler: jobs that lost their worker, calls that Redis lost."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from core import job_queue
from core.jobs import PREDICT_DUE, TOP_UP
from core.settings import read
from db.queries import job_claims, jobs
from db.tables import Job
from tests.workers import sample_jobs as samples
from workers import engine, reaper


@pytest.fixture(autouse=True)
def queue(redis_url: str) -> None:
    job_queue.connect(redis_url)


def lost(session: Session, *, silent: int = 61) -> Job:
    job = jobs.create(session, TOP_UP, {})
    session.commit()
    assert job_claims.claim(session, job.id) is not None
    session.execute(update(Job).where(Job.id == job.id).values(heartbeat_at=func.now() - timedelta(seconds=silent)))
    session.commit()
    return job


def state(session: Session, job_id: str) -> str:
    session.expire_all()
    return jobs.get(session, job_id).state


def test_job_silent_for_a_minute_is_queued_again_under_its_next_attempt(session: Session) -> None:
    job = lost(session)
    assert [taken.id for taken in reaper.reap()] == [job.id]
    assert state(session, job.id) == "retrying"
    assert job_queue.held("now") == {f"{job.id}-1"}


def test_job_silent_for_less_is_left_to_its_worker(session: Session) -> None:
    job = lost(session, silent=55)
    assert reaper.reap() == []
    assert state(session, job.id) == "running"


def test_job_lost_three_times_is_not_queued_again(session: Session) -> None:
    job = lost(session)
    session.execute(update(Job).values(attempt=3))
    session.commit()
    reaper.reap()
    assert state(session, job.id) == "failed"
    assert job_queue.held("now") == set()


def test_two_reapers_give_a_job_back_once(session: Session) -> None:
    lost(session)
    assert [len(reaper.reap()), len(reaper.reap())] == [1, 0]


def test_waiting_job_is_pushed_again_after_a_flush_and_only_once(session: Session) -> None:
    ids = {jobs.submit(TOP_UP, {}), jobs.submit(PREDICT_DUE, {})}
    job_queue.redis().flushall()
    assert set(reaper.reconcile()) == ids
    assert reaper.reconcile() == []
    assert len(job_queue.held("now")) == len(job_queue.held("predict")) == 1


def test_job_whose_push_was_lost_is_pushed(session: Session) -> None:
    job = jobs.create(session, TOP_UP, {})
    session.commit()
    assert reaper.reconcile() == [job.id]


def test_call_that_redis_remembers_but_no_queue_holds_is_pushed_again(session: Session) -> None:
    job_id = jobs.submit(TOP_UP, {})
    job_queue.redis().delete("rq:queue:now")
    assert not job_queue.push("now", job_id)  # the name is taken: RQ refuses a second one
    assert reaper.reconcile() == [job_id]
    assert job_queue.held("now") == {f"{job_id}-0"}


def test_job_whose_back_off_has_not_passed_is_not_pushed(session: Session) -> None:
    jobs.create(session, TOP_UP, {}, run_after=datetime.now(UTC) + timedelta(minutes=1))
    session.commit()
    assert reaper.reconcile() == []


def test_running_and_ended_jobs_are_not_pushed(session: Session) -> None:
    lost(session, silent=1)
    jobs.request_cancel(session, jobs.create(session, TOP_UP, {}).id)
    session.commit()
    assert reaper.reconcile() == []


def test_call_too_many_runs_the_job_once(session: Session, tmp_path: object) -> None:
    job_id = jobs.submit(samples.ADD, {"a": 1, "b": 2})
    settings = read({"BOLT_DATA": str(tmp_path)})
    engine.execute(job_id, settings)
    engine.execute(job_id, settings)
    session.expire_all()
    assert jobs.get(session, job_id).attempt == 1


def test_reconciler_waits_for_a_redis_that_is_down(session: Session) -> None:
    job_queue.connect("redis://127.0.0.1:1/0")
    jobs.submit(TOP_UP, {})
    assert reaper.reconcile() == []


def test_garbage_under_the_name_of_a_queue_is_put_aside(session: Session) -> None:
    job_queue.redis().set("rq:queue:now", "garbage")
    job_queue.redis().set("rq:wip:now", "garbage")
    job_id = jobs.submit(TOP_UP, {})
    assert reaper.reconcile() == [job_id]
    assert job_queue.held("now") == {f"{job_id}-0"}
    assert job_queue.redis().get("bolt:quarantine:rq:queue:now") == b"garbage"
