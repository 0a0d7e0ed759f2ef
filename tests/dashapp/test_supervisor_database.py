"""What the supervisor asks the database, also while it does not answer."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import core.settings
import db.engine
from core.errors import ConfigurationError, Unavailable
from core.market_name import parse
from core.settings import Settings
from dashapp.auth import accounts
from dashapp.supervisor import database, roles, servers
from dashapp.supervisor.child import Child
from dashapp.supervisor.run import Supervisor
from db.queries import instance, jobs, markets
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


def test_exchanges_of_followed_markets_are_named_once(settings: Settings, session: Session) -> None:
    for name, on in (
        ("demo:BTC/USDT", True),
        ("demo:ETH/USDT", True),
        ("kraken:BTC/USD", True),
        ("okx:BTC/USDT", False),
    ):
        market = markets.get_or_create(session, parse(name))
        markets.set_followed(session, market.id, on)
    session.commit()
    assert database.followed_exchanges() == ["demo", "kraken"]
    db.engine.connect(NOWHERE)
    assert database.followed_exchanges() == []


def test_each_exchange_gets_one_live_process_and_the_demo_only_once_it_runs(
    settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, ...]] = []
    supervisor = Supervisor(settings, servers.choose(settings))

    def add(role: roles.Role) -> None:
        started.append(role.command[1:])
        supervisor.children[role.name] = Child(role.name, role.launch, None)  # type: ignore[arg-type]

    monkeypatch.setattr(supervisor, "_add_role", add)
    for name in ("demo:BTC/USDT", "kraken:BTC/USD", "kraken:ETH/USD"):
        markets.set_followed(session, markets.get_or_create(session, parse(name)).id, True)
    session.commit()
    assert supervisor._look_for_followed() == ["live-kraken"]
    assert supervisor._look_for_followed() == []
    supervisor.demo_announced = True
    assert supervisor._look_for_followed() == ["live-demo"]
    assert started[0] == ("-m", "workers", "live", "--exchange", "kraken")
