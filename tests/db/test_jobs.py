"""The jobs table: asking, reading, cancelling, and what workers may write."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from core.errors import LostClaim, NotFound, Refused
from core.job_queue import connect, held
from core.jobs import IMPORT_FILE, TOP_UP, TRAIN_FOLD, TRAIN_MODEL, JobState
from db.queries import job_claims, jobs, training_runs
from db.tables import Job, User

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def person(session: Session, email: str = "ada@example.org", role: str = "analyst") -> int:
    made = User(email=email, password_hash="none", role=role)
    session.add(made)
    session.commit()
    return made.id


def running(session: Session, **more: object) -> Job:
    job = jobs.create(session, TOP_UP, {}, **more)
    session.commit()
    claimed = job_claims.claim(session, job.id)
    session.commit()
    assert claimed is not None
    return claimed


def age_heartbeat(session: Session, job_id: str, seconds: int = 120) -> None:
    session.execute(update(Job).where(Job.id == job_id).values(heartbeat_at=func.now() - timedelta(seconds=seconds)))
    session.commit()


def test_new_job_is_queued_with_the_limits_of_its_kind(session: Session) -> None:
    job = jobs.create(session, TRAIN_MODEL, {"horizon": 12})
    assert (job.state, job.attempt, job.max_attempts, job.queue) == ("queued", 0, 3, "train")
    assert job.args == {"horizon": 12}


def test_open_job_with_the_same_dedupe_is_given_back(session: Session) -> None:
    first = jobs.create(session, TOP_UP, {}, dedupe="top")
    assert jobs.create(session, TOP_UP, {"other": 1}, dedupe="top").id == first.id


def test_dedupe_is_free_again_once_the_job_has_ended(session: Session) -> None:
    first = running(session, dedupe="top")
    assert job_claims.succeed(session, first.id, 1)
    assert jobs.create(session, TOP_UP, {}, dedupe="top").id != first.id


def test_submit_commits_and_pushes_once(database: Engine, redis_url: str) -> None:
    connect(redis_url)
    job_id = jobs.submit(TOP_UP, {}, dedupe="once")
    assert jobs.submit(TOP_UP, {}, dedupe="once") == job_id
    assert held("now") == {f"{job_id}-0"}
    with Session(database) as other:
        assert jobs.get(other, job_id).state == JobState.QUEUED


def test_submit_for_later_leaves_the_queue_empty(database: Engine, redis_url: str) -> None:
    connect(redis_url)
    jobs.submit(TOP_UP, {}, run_after=datetime.now(UTC) + timedelta(hours=1))
    assert held("now") == set()


def test_submit_survives_a_redis_that_is_down(session: Session) -> None:
    connect("redis://127.0.0.1:1/0")
    job_id = jobs.submit(TOP_UP, {})
    assert [job.id for job in jobs.waiting(session)] == [job_id]


def test_sixth_open_training_of_one_person_is_refused(session: Session, redis_url: str) -> None:
    connect(redis_url)
    ada = person(session)
    ids = [jobs.submit(TRAIN_MODEL, {"n": n}, owner_id=ada) for n in range(5)]
    with pytest.raises(Refused, match="5 jobs of this kind"):
        jobs.submit(TRAIN_MODEL, {}, owner_id=ada)
    jobs.request_cancel(session, ids[0])
    session.commit()
    assert jobs.submit(TRAIN_MODEL, {}, owner_id=ada)


def test_limit_of_one_person_is_not_the_limit_of_another(session: Session, redis_url: str) -> None:
    connect(redis_url)
    ada, bob = person(session), person(session, "bob@example.org")
    for n in range(5):
        jobs.submit(TRAIN_MODEL, {"n": n}, owner_id=ada)
    assert jobs.submit(TRAIN_MODEL, {}, owner_id=bob)


def test_unknown_job_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        jobs.get(session, "nothing")


def test_owner_and_admin_see_a_job_and_a_stranger_does_not(session: Session) -> None:
    ada, bob = person(session), person(session, "bob@example.org")
    job = jobs.create(session, TRAIN_MODEL, {}, owner_id=ada)
    assert jobs.visible(session, ada, "analyst", job.id).id == job.id
    assert jobs.visible(session, bob, "admin", job.id).id == job.id
    with pytest.raises(NotFound):
        jobs.visible(session, bob, "analyst", job.id)


def test_everybody_sees_a_job_of_the_system(session: Session) -> None:
    job = jobs.create(session, TRAIN_MODEL, {})
    assert jobs.visible(session, person(session), "viewer", job.id).id == job.id


def test_latest_lists_one_kind_newest_first(session: Session) -> None:
    first = jobs.create(session, TRAIN_MODEL, {})
    session.commit()
    second = jobs.create(session, TRAIN_MODEL, {})
    jobs.create(session, TOP_UP, {})
    session.commit()
    assert [job.id for job in jobs.latest(session, name="train_model", limit=5)] == [second.id, first.id]
    assert len(jobs.latest(session, name="train_model", limit=1)) == 1


def test_notice_stands_until_its_owner_has_seen_it(session: Session) -> None:
    ada, bob = person(session), person(session, "bob@example.org")
    job = running(session, owner_id=ada)
    assert jobs.notices(session, ada) == []
    job_claims.fail(session, job.id, 1, reason="no candles")
    assert [(j.id, j.reason) for j in jobs.notices(session, ada)] == [(job.id, "no candles")]
    jobs.mark_seen(session, bob, [job.id])
    assert len(jobs.notices(session, ada)) == 1
    jobs.mark_seen(session, ada, [job.id])
    assert jobs.notices(session, ada) == []


def test_claim_counts_the_attempt_and_is_given_once(session: Session) -> None:
    job = running(session)
    assert (job.state, job.attempt) == ("running", 1)
    assert job.heartbeat_at is not None
    assert job_claims.claim(session, job.id) is None


def test_job_for_later_cannot_be_claimed_yet(session: Session) -> None:
    job = jobs.create(session, TOP_UP, {}, run_after=datetime.now(UTC) + timedelta(minutes=1))
    session.commit()
    assert job_claims.claim(session, job.id) is None
    assert jobs.waiting(session) == []


def test_waiting_job_is_cancelled_at_once(session: Session) -> None:
    job = jobs.create(session, TOP_UP, {})
    cancelled = jobs.request_cancel(session, job.id)
    assert (cancelled.state, cancelled.reason) == ("cancelled", "cancelled")
    assert cancelled.finished_at is not None
    session.commit()
    assert job_claims.claim(session, job.id) is None


def test_running_job_is_asked_and_hears_it_at_the_next_beat(session: Session) -> None:
    job = running(session)
    assert job_claims.beat(session, job.id, 1) is False
    assert jobs.request_cancel(session, job.id).state == "running"
    assert job_claims.cancel_asked(session, job.id, 1) is True
    assert job_claims.beat(session, job.id, 1) is True


def test_the_parts_of_a_walk_forward_are_cancelled_with_it(session: Session) -> None:
    run = running(session)
    keys = [("lstm", 0, seed) for seed in (1, 2, 3)]
    at_work, *waiting = training_runs.begin(session, run.id, config={}, until_ms=0, candles="", parts=keys)
    other = jobs.create(session, TRAIN_FOLD, {})
    session.commit()
    job_claims.claim(session, at_work.id)
    session.commit()
    assert jobs.request_cancel(session, run.id).id == run.id
    assert {jobs.get(session, job.id).state for job in waiting} == {JobState.CANCELLED}, "nobody begins them"
    assert job_claims.cancel_asked(session, at_work.id, 1) is True
    assert jobs.get(session, other.id).state == JobState.QUEUED


def test_ended_job_cannot_be_cancelled(session: Session) -> None:
    job = running(session)
    job_claims.succeed(session, job.id, 1, result={"n": 1})
    assert jobs.request_cancel(session, job.id).state == "succeeded"
    assert not jobs.get(session, job.id).cancel_requested


def test_beat_writes_progress_and_keeps_it_when_there_is_no_news(session: Session) -> None:
    job = running(session)
    job_claims.beat(session, job.id, 1, {"fraction": 0.5, "message": "half"})
    job_claims.beat(session, job.id, 1)
    assert jobs.get(session, job.id).progress == {"fraction": 0.5, "message": "half"}


def test_silent_job_is_taken_back_and_its_old_attempt_can_write_nothing(session: Session) -> None:
    job = running(session)
    job_claims.beat(session, job.id, 1, {"fraction": 0.3, "message": "epoch 3"})
    age_heartbeat(session, job.id)
    [taken] = job_claims.take_back(session, silent_for=60)
    assert (taken.state, taken.progress) == ("retrying", {"fraction": 0.3, "message": job_claims.INTERRUPTED})
    assert job_claims.claim(session, job.id) is not None
    assert job_claims.succeed(session, job.id, 1, result={"by": "old"}) is False
    assert job_claims.fail(session, job.id, 1, reason="old") is False
    assert job_claims.cancel(session, job.id, 1) is False
    assert job_claims.release(session, job.id, 1, reason="old") is None
    assert job_claims.interrupt(session, job.id, 1) is None
    with pytest.raises(LostClaim):
        job_claims.beat(session, job.id, 1)
    assert job_claims.succeed(session, job.id, 2, result={"by": "new"}) is True
    assert jobs.get(session, job.id).result == {"by": "new"}


def test_job_whose_heart_beats_is_left_alone(session: Session) -> None:
    job = running(session)
    age_heartbeat(session, job.id, seconds=50)
    assert job_claims.take_back(session, silent_for=60) == []
    assert jobs.get(session, job.id).state == "running"


def test_job_is_tried_three_times_and_then_failed_with_a_reason(session: Session) -> None:
    job = jobs.create(session, TOP_UP, {})
    session.commit()
    states = []
    for _ in range(3):
        assert job_claims.claim(session, job.id) is not None
        session.commit()
        age_heartbeat(session, job.id)
        states += [taken.state for taken in job_claims.take_back(session, silent_for=60)]
        session.commit()
    assert states == ["retrying", "retrying", "failed"]
    ended = jobs.get(session, job.id)
    assert ended.reason is not None and "stopped answering" in ended.reason
    assert ended.finished_at is not None
    assert job_claims.claim(session, job.id) is None


def test_job_lost_after_its_cancel_was_asked_ends_cancelled(session: Session) -> None:
    job = running(session)
    jobs.request_cancel(session, job.id)
    session.commit()
    age_heartbeat(session, job.id)
    assert [taken.state for taken in job_claims.take_back(session, silent_for=60)] == ["cancelled"]


def test_released_job_waits_out_its_delay(session: Session) -> None:
    job = running(session)
    given = job_claims.release(session, job.id, 1, reason="no answer", delay=30)
    assert given is not None and (given.state, given.reason) == ("retrying", "no answer")
    session.commit()
    assert job_claims.claim(session, job.id) is None
    session.execute(update(Job).where(Job.id == job.id).values(run_after=LONG_AGO))
    session.commit()
    assert job_claims.claim(session, job.id) is not None


def test_stopped_worker_returns_the_job_queued_without_spending_an_attempt(session: Session) -> None:
    job = running(session)
    given = job_claims.interrupt(session, job.id, 1)
    assert given is not None
    assert (given.state, given.attempt, given.max_attempts, given.reason) == ("queued", 1, 4, None)


def test_newer_scheduled_run_replaces_one_that_nobody_began(session: Session) -> None:
    old = jobs.create(session, TOP_UP, {}, dedupe="top_up@1")
    begun = running(session, dedupe="top_up@2")
    asked = jobs.create(session, TOP_UP, {}, dedupe="asked-by-hand")
    new = jobs.create(session, TOP_UP, {}, dedupe="top_up@3")
    assert [job.id for job in jobs.supersede(session, TOP_UP, keep="top_up@3")] == [old.id]
    states = {job.id: job.state for job in session.scalars(select(Job)).all()}
    assert states == {old.id: "cancelled", begun.id: "running", asked.id: "queued", new.id: "queued"}


def test_routine_jobs_go_after_hours_others_after_a_week_and_trainings_stay(session: Session) -> None:
    def ended(kind: object, hours: int, state: str = "succeeded") -> str:
        job = jobs.create(session, kind, {})  # type: ignore[arg-type]
        moment = func.now() - timedelta(hours=hours)
        session.execute(update(Job).where(Job.id == job.id).values(state=state, finished_at=moment))
        return job.id

    gone = {ended(TOP_UP, 7), ended(IMPORT_FILE, 24 * 8), ended(TOP_UP, 24 * 8, "failed")}
    kept = {ended(TOP_UP, 5), ended(TOP_UP, 7, "failed"), ended(IMPORT_FILE, 24 * 6), ended(TRAIN_MODEL, 24 * 400)}
    assert jobs.prune(session, names=["top_up"], hours=6) == len(gone)
    assert set(session.scalars(select(Job.id))) == kept


def test_row_cannot_be_running_without_a_heartbeat(session: Session) -> None:
    job = jobs.create(session, TOP_UP, {})
    with pytest.raises(Exception, match="ck_jobs_heartbeat"):
        session.execute(text("UPDATE jobs SET state = 'running' WHERE id = :id"), {"id": job.id})
