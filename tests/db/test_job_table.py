"""Jobs as admins see them, and what the database says of its size."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from core.errors import NotFound, Refused
from core.jobs import IMPORT_FILE, TOP_UP
from core.roles import Role
from db.queries import job_table, jobs, storage, users
from db.tables import Job

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def add(session: Session, state: str, *, minutes: int = 0, owner: int | None = None, **more: object) -> Job:
    job = jobs.create(
        session, IMPORT_FILE if owner else TOP_UP, {"symbol": "BTC/USDT"} if owner else {}, owner_id=owner
    )
    session.flush()
    job.state, job.created_at = state, NOW + timedelta(minutes=minutes)
    job.heartbeat_at = NOW if state == "running" else None
    for name, value in more.items():
        setattr(job, name, value)
    session.flush()
    return job


@pytest.fixture
def mara(session: Session) -> int:
    made = users.add(session, "mara@example.org", display_name="", password_hash="x", role=Role.ANALYST, is_owner=False)
    return made.id


def states(session: Session, **words: object) -> list[str]:
    return [row.state for row in job_table.page(session, **words)]  # type: ignore[arg-type]


def test_open_jobs_come_first_then_the_newest(session: Session) -> None:
    for minutes, state in enumerate(("failed", "queued", "running", "succeeded", "retrying")):
        add(session, state, minutes=minutes)
    assert states(session) == ["running", "retrying", "queued", "succeeded", "failed"]
    assert states(session, start=1, limit=2) == ["retrying", "queued"]
    assert states(session, sort="state", descending=False) == ["failed", "queued", "retrying", "running", "succeeded"]
    with pytest.raises(Refused, match="sorted by kind"):
        states(session, sort="args; DROP")


def test_jobs_are_found_by_kind_owner_reason_and_arguments(session: Session, mara: int) -> None:
    add(session, "failed", reason="kraken timed out 3 times")
    add(session, "succeeded", owner=mara)
    assert states(session, text="KRAKEN") == ["failed"]
    assert (
        states(session, text="mara@")
        == states(session, text="btc/usdt")
        == states(session, text="import")
        == ["succeeded"]
    )
    assert states(session, text="schedule") == ["failed"]
    assert states(session, text="100%") == []
    assert (job_table.count(session), job_table.count(session, text="mara@")) == (2, 1)


def test_counts_are_of_what_runs_waits_and_failed_lately(session: Session) -> None:
    add(session, "running")
    add(session, "queued")
    add(session, "queued", run_after=datetime.now(UTC) + timedelta(hours=1))
    add(session, "failed", finished_at=NOW)
    add(session, "failed", finished_at=NOW - timedelta(days=2))
    assert job_table.counts(session, since=NOW - timedelta(days=1)) == job_table.Counts(1, 1, 1)


def test_one_job_is_read_with_its_owner(session: Session, mara: int) -> None:
    row = job_table.one(session, add(session, "queued", owner=mara).id)
    assert row is not None
    assert row.owner == "mara@example.org"
    assert job_table.one(session, "gone") is None


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_failed_is_started_again_for_the_same_person(session: Session, mara: int, state: str) -> None:
    old = add(session, state, owner=mara)
    made = job_table.retry(session, old.id)
    assert made.id != old.id
    assert (made.name, made.args, made.owner_id, made.state) == (old.name, old.args, mara, "queued")


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_what_did_not_fail_is_not_started_again(session: Session, state: str) -> None:
    with pytest.raises(Refused, match="Only a job that has failed"):
        job_table.retry(session, add(session, state).id)


def test_jobs_nobody_knows_are_not_started_again(session: Session) -> None:
    with pytest.raises(NotFound):
        job_table.retry(session, "gone")
    with pytest.raises(Refused):
        job_table.retry(session, add(session, "failed", name="of_an_older_version").id)


def test_the_database_tells_its_size_and_version(session: Session) -> None:
    read = storage.read(session)
    assert read.database_bytes > 1_000_000
    assert (read.candles, read.first) == (0, None)
    assert read.server[0].isdigit()
