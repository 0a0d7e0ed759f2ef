"""The schedule: slots, and that each is enqueued once, whoever asks and however late."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from core import job_queue
from core.jobs import KINDS, TOP_UP
from db.queries import jobs, leases
from db.tables import Job, Lease
from workers import scheduler
from workers.schedule import AT_START, ENTRIES, Entry

MINUTELY = Entry(TOP_UP, every=60, offset=2)
NOON = datetime(2026, 11, 23, 12, 0, 2, tzinfo=UTC)
STARTED = [f"{kind.name}@start" for kind in AT_START]


def names(session: Session) -> list[str | None]:
    return list(session.scalars(select(Job.dedupe).order_by(Job.created_at)))


def test_slot_is_the_newest_grid_line_that_has_come() -> None:
    assert MINUTELY.slot(NOON) == NOON
    assert MINUTELY.slot(NOON + timedelta(seconds=59)) == NOON
    assert MINUTELY.slot(NOON - timedelta(seconds=1)) == NOON - timedelta(minutes=1)
    assert MINUTELY.slot(NOON + timedelta(seconds=60, microseconds=1)) == NOON + timedelta(minutes=1)


def test_slot_does_not_move_with_daylight_saving() -> None:
    nightly = Entry(TOP_UP, every=86_400, offset=3_600)
    for day in (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)):
        assert nightly.slot(day) == day.replace(hour=1)


def test_calls_come_after_candles_and_settling_after_calls() -> None:
    offsets = {entry.kind.name: entry.offset for entry in ENTRIES}
    assert offsets["top_up"] < offsets["predict_due"] < offsets["settle_due"] < 60
    assert {entry.kind.name: entry.every for entry in ENTRIES}["probe_exchanges"] == 300


def test_every_scheduled_job_has_a_kind() -> None:
    assert all(KINDS[kind.name] is kind for kind in (*AT_START, *(entry.kind for entry in ENTRIES)))


def test_slot_is_enqueued_once_by_twenty_askers(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    fired = [scheduler.fire(MINUTELY, NOON + timedelta(seconds=n)) for n in range(20)]
    assert [job is not None for job in fired] == [True] + [False] * 19
    assert names(session) == ["top_up@2026-11-23T12:00:02Z"]
    assert len(job_queue.held("now")) == 1


def test_twenty_slots_make_twenty_jobs_between_two_schedulers(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    for n in range(20):
        for _scheduler in range(2):
            scheduler.fire(MINUTELY, NOON + timedelta(minutes=n))
    assert len(names(session)) == len(set(names(session))) == 20


def test_missed_slots_run_once(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    scheduler.fire(MINUTELY, NOON)
    assert scheduler.fire(MINUTELY, NOON + timedelta(hours=3)) is not None
    assert len(names(session)) == 2


def test_clock_that_steps_back_enqueues_nothing_twice(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    scheduler.fire(MINUTELY, NOON)
    assert scheduler.fire(MINUTELY, NOON - timedelta(hours=1)) is None
    assert scheduler.fire(MINUTELY, NOON) is None


def test_slots_that_nobody_works_off_do_not_pile_up(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    for n in range(5):
        scheduler.fire(MINUTELY, NOON + timedelta(minutes=n))
    [job] = jobs.waiting(session)
    assert job.dedupe == "top_up@2026-11-23T12:04:02Z"
    assert job_queue.held("now") == {f"{job.id}-0"}


def test_slot_is_written_also_while_redis_is_down(session: Session) -> None:
    job_queue.connect("redis://127.0.0.1:1/0")
    scheduler.fire(MINUTELY, NOON)
    scheduler.fire(MINUTELY, NOON + timedelta(minutes=1))
    assert [job.dedupe for job in jobs.waiting(session)] == ["top_up@2026-11-23T12:01:02Z"]


def test_lease_has_one_holder_until_it_runs_out(session: Session) -> None:
    assert leases.take(session, "scheduler", "a", seconds=20)
    assert leases.take(session, "scheduler", "a", seconds=20)
    assert not leases.take(session, "scheduler", "b", seconds=20)
    session.execute(update(Lease).values(expires_at=func.now() - timedelta(seconds=1)))
    assert leases.take(session, "scheduler", "b", seconds=20)
    held = leases.current(session, "scheduler")
    assert held is not None and held.holder == "b"


def test_lease_given_up_is_free_at_once_and_only_its_holder_can_give_it_up(session: Session) -> None:
    leases.take(session, "scheduler", "a", seconds=20)
    leases.give_up(session, "scheduler", "b")
    assert not leases.take(session, "scheduler", "b", seconds=20)
    leases.give_up(session, "scheduler", "a")
    assert leases.take(session, "scheduler", "b", seconds=20)


def test_only_the_holder_of_the_lease_enqueues(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    first, second = (scheduler.Scheduler(name, (MINUTELY,)) for name in ("first", "second"))
    first.tick(NOON, 0.0)
    second.tick(NOON + timedelta(minutes=1), 0.0)
    assert (first.leads, second.leads) == (True, False)
    assert names(session) == [*STARTED, "top_up@2026-11-23T12:00:02Z"]


def test_standby_takes_over_within_thirty_seconds_of_a_death(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    first, second = (scheduler.Scheduler(name, (MINUTELY,)) for name in ("first", "second"))
    first.tick(NOON, 0.0)
    second.tick(NOON, 0.0)
    assert scheduler.LEASE_SECONDS + scheduler.RENEW <= 30
    session.execute(update(Lease).values(expires_at=func.now() - timedelta(seconds=1)))
    session.commit()
    second.tick(NOON + timedelta(minutes=1), scheduler.RENEW)
    assert second.leads
    assert names(session) == [
        *STARTED,
        "top_up@2026-11-23T12:00:02Z",
        "top_up@2026-11-23T12:01:02Z",
    ]


def test_scheduler_that_ends_frees_its_lease(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    first = scheduler.Scheduler("first", ())
    first.tick(NOON, 0.0)
    first.give_up()
    assert leases.current(session, "scheduler") is None


def test_tick_mends_and_tidies_as_well(session: Session, redis_url: str) -> None:
    job_queue.connect(redis_url)
    lost = jobs.create(session, TOP_UP, {})
    old = jobs.create(session, TOP_UP, {})
    month = func.now() - timedelta(days=30)
    session.execute(update(Job).where(Job.id == old.id).values(state="failed", finished_at=month))
    session.commit()
    scheduler.Scheduler("first", ()).tick(NOON, 0.0)
    assert f"{lost.id}-0" in job_queue.held("now")
    assert session.scalar(select(func.count()).where(Job.id == old.id)) == 0


def test_database_of_the_schedule_is_the_truth_after_a_restart(database: Engine, redis_url: str) -> None:
    job_queue.connect(redis_url)
    scheduler.fire(MINUTELY, NOON)
    job_queue.redis().flushall()
    again = scheduler.Scheduler("again", (MINUTELY,))
    again.tick(NOON, 0.0)
    with Session(database) as session:
        assert names(session).count("top_up@2026-11-23T12:00:02Z") == 1
