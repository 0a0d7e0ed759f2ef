"""The engine, run in this process: how each way of ending becomes a state of the row."""

import logging
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, func, update
from sqlalchemy.orm import Session

import core.settings
import db.engine
from core.errors import Cancelled, ExchangeBackOff, ExchangeUnavailable, LostClaim
from core.job_queue import connect, held
from core.jobs import KINDS, JobKind, Queue
from core.settings import Settings
from db.queries import job_claims, jobs
from db.tables import Job
from tests.workers import sample_jobs as samples
from workers import engine, heartbeat
from workers.context import Interrupted, JobContext

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(heartbeat, "POLL", 0.05)
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


def asked(kind: JobKind, **args: Any) -> str:
    with db.engine.session() as session:
        return jobs.create(session, kind, args).id


def row(job_id: str) -> Job:
    with db.engine.session() as session:
        return jobs.get(session, job_id)


def executed(settings: Settings, kind: JobKind, **args: Any) -> Job:
    job_id = asked(kind, **args)
    engine.execute(job_id, settings)
    return row(job_id)


def test_result_and_progress_of_a_job_are_kept(settings: Settings) -> None:
    job = executed(settings, samples.ADD, a=2, b=3)
    assert (job.state, job.attempt, job.result) == ("succeeded", 1, {"sum": 5})
    assert job.progress == {"fraction": 1.0, "message": "added"}
    assert job.finished_at is not None


def test_refused_job_fails_at_once_with_its_sentence(settings: Settings) -> None:
    job = executed(settings, samples.REFUSE)
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.reason == "The span holds 3 candles. Choose an earlier start."


def test_unavailable_source_is_tried_again_and_then_failed(settings: Settings) -> None:
    job_id = asked(samples.UNAVAILABLE)
    engine.execute(job_id, settings)
    first = row(job_id)
    assert (first.state, first.reason) == ("retrying", "binance does not answer.")
    with db.engine.session() as session:
        session.execute(update(Job).values(run_after=func.now()))
    engine.execute(job_id, settings)
    last = row(job_id)
    assert (last.state, last.attempt, last.reason) == ("failed", 2, "binance does not answer.")


def test_unknown_error_is_tried_again_and_shows_no_inner_text(settings: Settings) -> None:
    job = executed(settings, samples.BREAK_DOWN)
    assert job.state == "retrying"
    assert job.reason is not None and "ZeroDivisionError" in job.reason and "nobody" not in job.reason


def test_cancelled_job_is_never_tried_again(settings: Settings) -> None:
    job = executed(settings, samples.STOP_YOURSELF)
    assert (job.state, job.reason) == ("cancelled", "cancelled")


def test_job_without_memory_fails_as_out_of_memory(settings: Settings) -> None:
    job = executed(settings, samples.EXHAUST_MEMORY)
    assert (job.state, job.reason) == ("failed", "out_of_memory")


def test_job_that_takes_too_long_fails_as_timeout(settings: Settings) -> None:
    job = executed(settings, samples.DAWDLE, seconds=30)
    assert (job.state, job.reason) == ("failed", "timeout")
    assert job.finished_at is not None and job.started_at is not None
    assert job.finished_at - job.started_at < timedelta(seconds=10)


def test_work_that_resumes_is_taken_up_again_when_an_attempt_took_too_long(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, samples.DAWDLE.name, replace(samples.DAWDLE, resumes=True, attempts=2))
    job_id = asked(KINDS[samples.DAWDLE.name], seconds=30)
    engine.execute(job_id, settings)
    assert (row(job_id).state, row(job_id).reason) == ("retrying", "timeout")
    engine.execute(job_id, settings)
    assert (row(job_id).state, row(job_id).attempt, row(job_id).reason) == ("failed", 2, "timeout")


def test_job_of_another_version_fails_with_its_name(settings: Settings) -> None:
    job = executed(settings, JobKind("of_the_future", Queue.PREDICT, "x.y", 60))
    assert (job.state, job.reason) == ("failed", "This Bolt knows no job “of_the_future”.")


def test_taken_job_is_not_run_again(settings: Settings) -> None:
    job_id = asked(samples.ADD, a=1, b=1)
    engine.execute(job_id, settings)
    engine.execute(job_id, settings)
    assert row(job_id).attempt == 1


def test_cancel_request_reaches_a_running_job(settings: Settings, tmp_path: Path, monkeypatch: Any) -> None:
    job_id = asked(samples.WORK, folder=str(tmp_path), seconds=20)

    def ask_then_work(context: JobContext, **args: Any) -> dict[str, Any]:
        with db.engine.session() as session:
            assert jobs.request_cancel(session, job_id).state == "running"
        return samples.work(context, **args)

    monkeypatch.setattr(engine, "target", lambda _kind: ask_then_work)
    engine.execute(job_id, settings)
    assert (row(job_id).state, row(job_id).attempt) == ("cancelled", 1)


def test_stopping_worker_returns_the_job_to_its_queue(settings: Settings, tmp_path: Path) -> None:
    job_id = asked(samples.WORK, folder=str(tmp_path), seconds=20)
    engine.on_stop(15, None)
    engine.execute(job_id, settings)
    job = row(job_id)
    assert (job.state, job.reason, job.progress["message"]) == ("queued", None, job_claims.INTERRUPTED)
    assert held("predict") == {f"{job_id}-1"}


def test_old_attempt_cannot_publish_what_a_new_one_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = asked(samples.ADD, a=1, b=1)
    published: list[int] = []

    def lose_then_publish(context: JobContext, **_: Any) -> None:
        if context.attempt == 1:
            with db.engine.session() as session:
                session.execute(update(Job).values(heartbeat_at=func.now() - timedelta(minutes=2)))
                assert len(job_claims.take_back(session, silent_for=60)) == 1
            engine.execute(job_id, settings)  # the second attempt runs and publishes
        with context.publish({"attempt": context.attempt}) as session:
            session.execute(update(Job).values(dedupe=f"written by {context.attempt}"))
            published.append(context.attempt)

    monkeypatch.setattr(engine, "target", lambda _kind: lose_then_publish)
    with caplog.at_level(logging.WARNING):
        engine.execute(job_id, settings)
    job = row(job_id)
    assert published == [2]
    assert (job.state, job.attempt, job.result, job.dedupe) == ("succeeded", 2, {"attempt": 2}, "written by 2")
    assert "job_lost_claim" in caplog.messages


def test_job_that_fails_after_publishing_stays_published(settings: Settings) -> None:
    job = executed(settings, samples.PUBLISH_THEN_BREAK)
    assert (job.state, job.result, job.reason) == ("succeeded", {"version": 1}, None)


def test_what_fails_inside_publish_is_not_published(settings: Settings) -> None:
    job = executed(settings, samples.PUBLISH_BUT_BREAK_INSIDE)
    assert (job.state, job.result) == ("failed", None)
    assert job.reason == "The files could not be written. Free some disk space."


def test_heart_beats_while_the_job_computes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.1)
    seen: list[datetime | None] = []

    def compute(context: JobContext, **_: Any) -> None:
        for _round in range(3):
            end = datetime.now(UTC) + timedelta(seconds=0.3)
            while datetime.now(UTC) < end:
                sum(range(1_000))  # busy on purpose: the heart must not need this thread to rest
            seen.append(row(context.job_id).heartbeat_at)

    monkeypatch.setattr(engine, "target", lambda _kind: compute)
    executed(settings, samples.ADD, a=1, b=1)
    assert None not in seen and len(set(seen)) == 3


def test_progress_is_visible_while_the_job_runs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def work(context: JobContext, **_: Any) -> None:
        context.progress(0.25, "epoch 1", loss=[1.5])
        for _try in range(100):
            seen.append(row(context.job_id).progress)
            if seen[-1]:
                return
            heartbeat.time.sleep(0.02)

    monkeypatch.setattr(engine, "target", lambda _kind: work)
    executed(settings, samples.ADD, a=1, b=1)
    assert seen[-1] == {"fraction": 0.25, "message": "epoch 1", "loss": [1.5]}


def test_every_flag_ends_the_job_in_its_own_way(settings: Settings) -> None:
    context = JobContext(settings, "x", 1)
    context.check_cancelled()
    context.signals.stopping.set()
    assert context.stopping
    with pytest.raises(Interrupted):
        context.check_cancelled()
    context.signals.cancelled.set()
    with pytest.raises(Cancelled):
        context.check_cancelled()
    context.signals.lost.set()
    with pytest.raises(LostClaim):
        context.check_cancelled()


def test_progress_stays_between_nothing_and_all(settings: Settings) -> None:
    context = JobContext(settings, "x", 1)
    context.progress(1.2, "over")
    assert context.take_progress() == {"fraction": 1.0, "message": "over"}
    assert context.take_progress() is None


def test_numbers_postgresql_cannot_hold_become_null(settings: Settings) -> None:
    context = JobContext(settings, "x", 1)
    context.progress(0.5, "epoch 1", loss=np.float32(0.5), losses=[math.nan, -math.inf, 1.0])
    assert context.take_progress() == {"fraction": 0.5, "message": "epoch 1", "loss": 0.5, "losses": [None, None, 1.0]}
    with pytest.raises(TypeError):
        context.progress(0.5, "epoch 1", loss=object())


def test_result_that_is_not_a_number_is_kept_as_null(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "target", lambda _kind: lambda _context, **_: {"score": math.nan})
    assert executed(settings, samples.ADD, a=1, b=1).result == {"score": None}


def test_back_off_grows_with_the_attempt_and_has_a_ceiling() -> None:
    fault = ExchangeUnavailable("no answer")
    waits = {attempt: [engine.back_off(attempt, fault, NOW) for _ in range(200)] for attempt in (1, 3, 20)}
    assert 5 < max(waits[1]) <= 10 < max(waits[3]) <= 40 < max(waits[20]) <= 300
    assert min(waits[20]) < 100  # full jitter: also short waits


def test_back_off_never_comes_before_the_exchange_allows() -> None:
    wait = ExchangeBackOff("wait", NOW + timedelta(seconds=120))
    assert all(120 <= engine.back_off(1, wait, NOW) <= 130 for _ in range(50))


def test_every_session_of_a_context_is_one_transaction(settings: Settings, database: Engine) -> None:
    context = JobContext(settings, "x", 1)
    with context.session() as session:
        made = jobs.create(session, samples.ADD, {})
    with Session(database) as other:
        assert jobs.get(other, made.id).name == "sample_add"
