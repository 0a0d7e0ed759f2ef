"""The worker process: what it gives back, what it puts aside, what it loads."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rq.exceptions import DequeueTimeout
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import db.engine
from core import job_queue
from core.jobs import TOP_UP
from core.settings import Settings, read
from db.queries import job_claims, job_turns, jobs
from workers import holding, worker
from workers.__main__ import main, unique_name

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    job_queue.connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    return read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


def claimed(session: Session) -> str:
    job_id = jobs.create(session, TOP_UP, {}).id
    session.commit()
    assert job_claims.claim(session, job_id) is not None
    session.commit()
    return job_id


def test_job_of_a_killed_child_is_given_back_and_queued_under_its_next_attempt(
    session: Session, settings: Settings
) -> None:
    job_id = claimed(session)
    given = worker.give_back(settings, job_id, 1)
    assert given is not None and (given.state, given.progress) == ("retrying", {"message": job_claims.INTERRUPTED})
    assert job_queue.held("now") == {f"{job_id}-1"}


def test_job_that_moved_on_is_not_given_back_by_an_older_child(session: Session, settings: Settings) -> None:
    job_id = claimed(session)
    worker.give_back(settings, job_id, 1)
    assert job_claims.claim(session, job_id) is not None
    session.commit()
    assert worker.give_back(settings, job_id, 1) is None
    session.expire_all()
    assert (jobs.get(session, job_id).state, jobs.get(session, job_id).attempt) == ("running", 2)


def test_child_killed_at_every_attempt_fails_the_job_with_a_reason(session: Session, settings: Settings) -> None:
    job_id = claimed(session)
    for attempt in range(1, 4):
        assert worker.give_back(settings, job_id, attempt) is not None
        session.rollback()
        job_claims.claim(session, job_id)
        session.commit()
    ended = jobs.get(session, job_id)
    assert (ended.state, ended.reason) == ("failed", worker.KILLED)


def test_job_that_is_gone_gives_nothing_back(settings: Settings) -> None:
    assert worker.give_back(settings, "no-such-job", 1) is None


def test_worker_reads_what_its_child_took_and_not_what_it_was_called_for(session: Session, settings: Settings) -> None:
    ids = [jobs.create(session, TOP_UP, {}, asked_by=who).id for who in ("ada", "ada", "bob")]
    session.commit()
    assert job_claims.claim(session, ids[0]) is not None
    session.commit()
    child = os.fork()
    if child == 0:  # as RQ's child does it, and killed on the way
        holding.note(job_turns.claim(Session(db.engine.make_engine(settings.database_url)), ids[1]).id, 1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert holding.noted() == (ids[2], 1)


def test_job_is_left_to_the_reaper_while_the_database_is_away(session: Session, tmp_path: Path) -> None:
    away = read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"})
    job_id = claimed(session)
    assert worker.give_back(away, job_id, 1) is None
    session.expire_all()
    assert jobs.get(session, job_id).state == "running"


def test_unreadable_call_is_put_aside_and_the_next_one_taken(settings: Settings) -> None:
    queue = worker.SafeQueue("market", connection=job_queue.redis(), serializer="json")
    queue.connection.set("rq:job:bad", "garbage")
    queue.connection.rpush("rq:queue:market", "bad", b"\xff")
    job_queue.push("market", "good")
    taken = worker.SafeQueue.dequeue_any([queue], 1, connection=queue.connection, serializer="json")
    assert taken is not None and taken[0].id == "good-0"
    assert queue.connection.get("bolt:quarantine:rq:job:bad") == b"garbage"
    assert b"bad" not in queue.connection.lrange("rq:queue:market:intermediate", 0, -1)


def test_queue_that_is_no_list_is_put_aside(settings: Settings) -> None:
    queue = worker.SafeQueue("market", connection=job_queue.redis(), serializer="json")
    queue.connection.set("rq:queue:market", "garbage")
    with pytest.raises(DequeueTimeout):
        worker.SafeQueue.dequeue_any([queue], 1, connection=queue.connection, serializer="json")
    assert queue.connection.get("bolt:quarantine:rq:queue:market") == b"garbage"


def test_names_are_unique_within_a_process() -> None:
    assert unique_name("train") != unique_name("train")


def test_unknown_queue_is_a_mistake_in_the_command() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--queues", "market,nonsense"])
    assert ended.value.code == 2


def test_worker_without_servers_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(["--queues", "train"]) == 78
    assert "DATABASE_URL and REDIS_URL" in capsys.readouterr().err


def test_parent_loads_neither_tensorflow_nor_an_exchange_client() -> None:
    program = (
        "import sys, importlib, workers.__main__ as m\n"
        "[importlib.import_module(x) for q, names in m.PRELOADED.items() if q != 'market' for x in names]\n"
        "print(sorted({'tensorflow', 'keras', 'ccxt', 'flask', 'dash'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
