"""What a job is given: sessions, publication, and the gateway of an exchange."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core import job_queue
from core.errors import LostClaim, NotFound
from core.jobs import TOP_UP
from core.settings import read
from db.queries import job_claims, jobs
from db.tables import Instance
from workers.context import JobContext


@pytest.fixture
def context(session: Session, redis_url: str, tmp_path: Path) -> JobContext:
    job_queue.connect(redis_url)
    job_id = jobs.create(session, TOP_UP, {}).id
    session.commit()
    assert job_claims.claim(session, job_id) is not None
    session.commit()
    return JobContext(read({"BOLT_DATA": str(tmp_path)}), job_id, 1)


def test_publication_marks_the_job_and_keeps_the_newest_progress(context: JobContext, database: Engine) -> None:
    context.progress(1.0, "Done")
    with context.publish({"version": 3}):
        pass
    assert context.published
    with Session(database) as session:
        job = jobs.get(session, context.job_id)
    assert (job.state, job.result, job.progress["message"]) == ("succeeded", {"version": 3}, "Done")


def test_what_the_block_writes_is_undone_with_a_lost_claim(context: JobContext, session: Session) -> None:
    job_claims.release(session, context.job_id, 1, reason="taken back")
    session.commit()
    with pytest.raises(LostClaim), context.publish({}) as inside:
        jobs.create(inside, TOP_UP, {}, dedupe="never")
    assert not context.published
    assert [job.dedupe for job in jobs.latest(session, name="top_up", limit=9)] == [None]


def test_demo_exchange_that_does_not_run_is_not_found(context: JobContext) -> None:
    with pytest.raises(NotFound, match="make demo"):
        context.gateway("demo")


def test_gateway_carries_the_name_of_its_exchange(context: JobContext, session: Session) -> None:
    instance = session.get(Instance, 1)
    assert instance is not None
    instance.demo_url = "http://127.0.0.1:1"
    session.commit()
    assert context.gateway("demo").name == "demo"
    assert context.gateway("binance", timeout_s=5, attempts=1).name == "binance"
