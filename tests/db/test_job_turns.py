"""Turns: a queue's workers are shared out between people, whoever asked first and for how much."""

from collections.abc import Callable, Iterable
from threading import Thread

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import db.engine
from core.jobs import TOP_UP, TRAIN_FOLD, TRAIN_MODEL
from db.queries import job_claims, job_turns, jobs
from db.tables import Job
from tests.db.test_jobs import person

Ask = Callable[..., str]


@pytest.fixture
def ask(session: Session) -> Ask:
    """A training of somebody, by their account's id; committed, so that each was asked for at a time of its own."""

    def create(owner_id: int | None = None, **more: object) -> str:
        job = jobs.create(session, TRAIN_MODEL, {}, owner_id=owner_id, **more)  # type: ignore[arg-type]
        session.commit()
        return job.id

    return create


def turn(session: Session, called: str) -> Job:
    """What a worker does with a call."""
    job = job_turns.claim(session, called)
    session.commit()
    assert job is not None
    return job


def end(session: Session, job: Job) -> None:
    assert job_claims.succeed(session, job.id, job.attempt)
    session.commit()


def answered(session: Session, calls: Iterable[str]) -> list[str]:
    """What one worker runs for calls in this order, each to its end."""
    ran = []
    for called in calls:
        job = turn(session, called)
        end(session, job)
        ran.append(job.id)
    return ran


def test_s36_who_asks_once_is_second_to_begin_though_a_hundred_of_another_came_before(
    session: Session, ask: Ask
) -> None:
    ada, bob = person(session), person(session, "bob@example.org")
    hundred = [ask(ada) for _ in range(100)]
    one = ask(bob)
    ran = answered(session, [*hundred, one])
    assert ran[:3] == [hundred[0], one, hundred[2]]
    assert sorted(ran) == sorted([*hundred, one]), "every call finds a job, and every job a call"


def test_s36_three_people_take_turns(session: Session, ask: Ask) -> None:
    people = [person(session, f"{name}@example.org") for name in ("ada", "bob", "cy")]
    mine = {who: [ask(who) for _ in range(3)] for who in people}
    whose = {job_id: who for who, ids in mine.items() for job_id in ids}
    ran = answered(session, [job_id for ids in mine.values() for job_id in ids])
    assert [whose[job_id] for job_id in ran] == people * 3


def test_s36_while_one_of_theirs_runs_somebody_elses_begins(session: Session, ask: Ask) -> None:
    """Two workers: the second is not given to whom the first works for, though they had to wait longer."""
    ada, bob = person(session), person(session, "bob@example.org")
    end(session, turn(session, ask(bob)))
    first, second = ask(ada), ask(ada)
    turn(session, first)
    late = ask(bob)
    assert turn(session, second).id == late
    assert turn(session, late).id == second


def test_calls_of_one_person_are_answered_in_their_order(session: Session, ask: Ask) -> None:
    ada = person(session)
    ids = [ask(ada) for _ in range(4)]
    assert answered(session, reversed(ids)) == ids[::-1]


def test_the_desks_own_work_has_its_turn_as_a_person_has(session: Session, ask: Ask) -> None:
    ada = person(session)
    ids = [ask(ada), ask(ada), ask(), ask(asked_by="command line")]
    assert answered(session, ids) == [ids[0], ids[2], ids[3], ids[1]]


def test_parts_of_a_training_count_as_those_of_who_asked_for_it(session: Session, ask: Ask) -> None:
    ada, bob = person(session), person(session, "bob@example.org")
    run = ask(ada)
    parts = [jobs.create(session, TRAIN_FOLD, {"run_id": run, "seed": n}) for n in range(3)]
    session.commit()
    turn(session, run)
    assert not job_turns.others_wait(session, run)
    late = ask(bob)
    assert job_turns.others_wait(session, run)
    assert turn(session, parts[0].id).id == late


def test_call_of_a_job_that_waits_no_longer_is_answered_by_another(session: Session, ask: Ask) -> None:
    gone, other = ask(), ask()
    jobs.request_cancel(session, gone)
    assert turn(session, gone).id == other
    assert job_turns.claim(session, gone) is None


def test_another_queue_and_what_is_not_due_have_no_turn(session: Session, ask: Ask) -> None:
    call = ask()
    jobs.create(session, TOP_UP, {}, owner_id=person(session))
    end(session, turn(session, call))
    assert job_turns.claim(session, call) is None
    assert job_turns.claim(session, "no-such-job") is None


def test_two_workers_at_once_take_two_jobs_of_two_people(session: Session, ask: Ask, database: Engine) -> None:
    ada, bob = person(session), person(session, "bob@example.org")
    calls = [ask(ada), ask(ada), ask(ada), ask(bob)]
    took: list[int | None] = []

    def work(called: str) -> None:
        with db.engine.session() as mine:
            job = job_turns.claim(mine, called)
            assert job is not None
            took.append(job.owner_id)

    workers = [Thread(target=work, args=(called,)) for called in calls[:2]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(took, key=str) == sorted([ada, bob], key=str)
