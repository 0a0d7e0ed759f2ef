"""The heart: what it tells the job, and how it ends one that does not listen."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core import job_queue
from core.jobs import TOP_UP
from core.settings import read
from db.queries import job_claims, jobs
from workers import engine, heartbeat
from workers.context import JobContext
from workers.heartbeat import Heartbeat


class Ended(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def context(session: Session, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    job_queue.connect(redis_url)
    monkeypatch.setattr(heartbeat, "POLL", 0.02)
    job_id = jobs.create(session, TOP_UP, {}).id
    session.commit()
    assert job_claims.claim(session, job_id) is not None
    session.commit()
    return JobContext(read({"BOLT_DATA": str(tmp_path)}), job_id, 1)


def soon(what: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    return codes


def test_cancel_request_is_passed_on(context: JobContext, session: Session) -> None:
    with Heartbeat(context, 60):
        assert not context.signals.cancelled.is_set()
        jobs.request_cancel(session, context.job_id)
        session.commit()
        soon(context.signals.cancelled.is_set)


def test_lost_claim_is_passed_on(context: JobContext, session: Session) -> None:
    with Heartbeat(context, 60):
        job_claims.release(session, context.job_id, 1, reason="taken back")
        session.commit()
        soon(context.signals.lost.is_set)


def test_own_publication_is_no_loss(context: JobContext) -> None:
    with Heartbeat(context, 60) as heart:
        with context.publish({"version": 1}):
            pass
        soon(lambda: not heart._thread.is_alive())
    assert not context.signals.lost.is_set()


def test_missed_beat_is_made_up_when_the_database_returns(context: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    beat, failures = job_claims.beat, []

    def away_twice(*arguments: object) -> bool:
        if len(failures) < 2:
            failures.append(1)
            raise OperationalError("beat", {}, Exception("the server restarts"))
        return beat(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(heartbeat, "BEAT", 0.0)
    monkeypatch.setattr(job_claims, "beat", away_twice)
    with Heartbeat(context, 60) as heart:
        began = heart._last_beat
        soon(lambda: heart._last_beat > began)
    assert len(failures) == 2


def test_job_that_ignores_its_timeout_is_failed_and_its_process_ended(
    context: JobContext, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, heart = exits(monkeypatch), Heartbeat(context, timeout=30)
    heart._enforce(time.monotonic())
    assert codes == []
    with pytest.raises(Ended):
        heart._enforce(time.monotonic() + 36)
    session.expire_all()
    job = jobs.get(session, context.job_id)
    assert (codes, job.state, job.reason) == ([heartbeat.TIMED_OUT], "failed", "timeout")


def test_job_that_ignores_the_stop_is_given_back_and_its_process_ended(
    context: JobContext, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, heart, now = exits(monkeypatch), Heartbeat(context, timeout=3_600), time.monotonic()
    context.signals.stopping.set()
    heart._enforce(now)
    heart._enforce(now + heartbeat.STOP_GRACE - 1)
    assert codes == []
    with pytest.raises(Ended):
        heart._enforce(now + heartbeat.STOP_GRACE + 1)
    session.expire_all()
    assert (codes, jobs.get(session, context.job_id).state) == ([heartbeat.STOPPED], "queued")
    assert job_queue.held("now") == {f"{context.job_id}-1"}


def test_stopped_worker_needs_less_than_twenty_seconds() -> None:
    assert heartbeat.STOP_GRACE + engine.TRIES_WHILE_STOPPING < 20
