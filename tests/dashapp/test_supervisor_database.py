"""What the supervisor asks the database, also while it does not answer."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import core.settings
import db.engine
from core.errors import ConfigurationError, Unavailable
from core.settings import Settings
from dashapp.auth import accounts
from dashapp.supervisor import database
from db.queries import instance, jobs
from db.tables import Job

NOWHERE = "postgresql://bolt:x@127.0.0.1:1/bolt"


@pytest.fixture
def settings(database: Engine) -> Settings:
    url = database.url.render_as_string(hide_password=False)
    return core.settings.read({"DATABASE_URL": url, "REDIS_URL": "redis://x", "SECRET_KEY": "k" * 64})


def test_the_demo_is_wanted_once_it_was_asked_for_and_its_address_is_told(settings: Settings, session: Session) -> None:
    assert not database.demo_is_wanted()
    database.want_demo()
    assert database.demo_is_wanted()
    assert database.announce_demo("http://127.0.0.1:5")
    assert instance.get(session).demo_url == "http://127.0.0.1:5"
    session.rollback()
    assert database.announce_demo(None)
    assert instance.get(session).demo_url is None


def test_while_the_database_is_away_the_demo_is_left_as_it_is(settings: Settings) -> None:
    db.engine.connect(NOWHERE)
    assert not database.demo_is_wanted()
    assert not database.announce_demo("http://127.0.0.1:5")


def test_the_code_is_shown_only_until_there_is_an_owner(settings: Settings, session: Session) -> None:
    code = database.setup_code(settings)
    assert code
    assert database.setup_code(settings) == code
    accounts.create_owner(session, "ada@example.org", "a long phrase nobody else would choose")
    session.commit()
    assert database.setup_code(settings) is None


def test_jobs_whose_workers_ended_with_the_servers_wait_again(settings: Settings, session: Session) -> None:
    beating = datetime.now(UTC)
    session.add(Job(id="cut", name="top_up", queue="market", state="running", attempt=1, heartbeat_at=beating))
    session.commit()
    assert database.give_back_orphans() == 1
    session.expire_all()
    assert jobs.get(session, "cut").state == "retrying"
    assert database.give_back_orphans() == 0


def test_a_database_that_does_not_answer_is_a_sentence() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        database.migrate(core.settings.read({"DATABASE_URL": NOWHERE, "REDIS_URL": "redis://x"}))


def test_a_database_of_a_newer_bolt_is_left_alone(settings: Settings, database: Engine) -> None:
    from dashapp.supervisor import database as asked

    revision = asked.migrate(settings)
    try:
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(ConfigurationError, match="newer Bolt"):
            asked.migrate(settings)
    finally:
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
