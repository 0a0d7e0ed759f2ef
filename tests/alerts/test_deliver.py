"""The outbox is emptied: each letter once, in spite of servers that fail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from alerts import deliver
from alerts.letters import Letter
from alerts.transports.email import Refusal
from core import email_links, reset_links
from core.clock import utc_now
from core.errors import Unavailable
from core.roles import Role
from core.settings import Settings
from db.queries import mails, users
from db.tables import Mail, User
from tests.web import add_user, settings_for

MARA = "mara@example.org"


@dataclass
class Sink:
    """A transport that keeps what it gets, or fails as it is told."""

    fault: Exception | None = None
    got: list[tuple[str, Letter, int]] = field(default_factory=list)

    def send(self, address: str, letter: Letter, *, number: int) -> None:
        if self.fault:
            raise self.fault
        self.got.append((address, letter, number))


@pytest.fixture
def settings(postgres, database) -> Settings:
    return settings_for(postgres.url, PUBLIC_URL="https://bolt.example.org")


@pytest.fixture
def mara(session: Session) -> Iterator[User]:
    return users.get(session, add_user(session, MARA, Role.VIEWER))


def put(session: Session, user: User, kind: str, **details: str) -> int:
    mail = mails.put(session, user, kind, now=utc_now(), **details)
    session.commit()
    return mail.id


def state(session: Session, mail_id: int) -> Mail:
    session.expire_all()
    return session.get_one(Mail, mail_id)


def test_a_letter_goes_out_once(session: Session, settings: Settings, mara: User) -> None:
    number = put(session, mara, "factor_on")
    sink = Sink()
    assert deliver.send_due(settings, sink) == 1
    assert deliver.send_due(settings, sink) == 0
    (address, letter, sent) = sink.got[0]
    assert (address, sent) == (MARA, number)
    assert "authenticator" in letter.text
    assert (state(session, number).state, state(session, number).attempts) == ("sent", 1)


def test_the_link_of_a_reset_is_made_when_it_is_sent_and_stands_nowhere(
    session: Session, settings: Settings, mara: User
) -> None:
    number = put(session, mara, "reset")
    sink = Sink()
    deliver.send_due(settings, sink)
    token = re.search(r"https://bolt\.example\.org/reset\?token=(\S+)", sink.got[0][1].text).group(1)
    assert reset_links.read(settings.secret_key, token, now=utc_now()) == (mara.id, mara.session_version)
    assert "token" not in str(state(session, number).details)


def test_a_new_address_is_written_to_itself(session: Session, settings: Settings, mara: User) -> None:
    mails.put(session, mara, "confirm_address", now=utc_now(), address="new@example.org", new="new@example.org")
    session.commit()
    sink = Sink()
    deliver.send_due(settings, sink)
    token = re.search(r"/confirm-address\?token=(\S+)", sink.got[0][1].text).group(1)
    assert sink.got[0][0] == "new@example.org"
    assert email_links.read(settings.secret_key, token, now=utc_now())[2] == "new@example.org"


def test_a_server_that_is_away_gets_another_try_a_minute_later(
    session: Session, settings: Settings, mara: User
) -> None:
    number = put(session, mara, "factor_on")
    deliver.send_due(settings, Sink(Unavailable("It does not answer.")))
    found = state(session, number)
    wait = (found.next_try_at - utc_now()).total_seconds()
    assert (found.state, found.attempts, found.fault) == ("waiting", 1, "It does not answer.")
    assert 45 < wait < 73


def test_waits_grow_and_a_day_is_the_end(session: Session, mara: User) -> None:
    number = put(session, mara, "factor_on")
    now, waits = utc_now(), []
    while (found := state(session, number)).state == "waiting":
        (taken,) = mails.take(session, now=max(now, found.next_try_at), limit=5)
        now = max(now, found.next_try_at)
        mails.failed(session, taken, "away", now=now)
        session.commit()
        waits.append((state(session, number).next_try_at - now).total_seconds())
    plan = [*mails.WAITS, mails.WAITS[-1], mails.WAITS[-1], mails.WAITS[-1]]
    assert all(0.8 * due <= wait <= 1.2 * due for due, wait in zip(plan, waits[:-1], strict=False))
    assert len(waits) >= 7
    assert state(session, number).state == "dead"


def test_a_refused_recipient_is_not_tried_again(session: Session, settings: Settings, mara: User) -> None:
    number = put(session, mara, "factor_on")
    deliver.send_due(settings, Sink(Refusal("The mail server refused the recipient. It answered 550.")))
    assert (state(session, number).state, state(session, number).attempts) == ("dead", 1)


def test_a_letter_of_a_removed_account_with_a_link_is_dropped(session: Session, settings: Settings, mara: User) -> None:
    number, notice = put(session, mara, "reset"), put(session, mara, "account_removed")
    session.delete(mara)
    session.commit()
    sink = Sink()
    deliver.send_due(settings, sink)
    assert [letter.subject for _, letter, _ in sink.got] == ["Bolt: Your account was deleted"]
    assert (state(session, number).state, state(session, notice).state) == ("dead", "sent")


def test_what_somebody_has_taken_nobody_else_gets_until_its_time_is_over(session: Session, mara: User) -> None:
    put(session, mara, "factor_on")
    now: datetime = utc_now()
    assert len(mails.take(session, now=now, limit=5)) == 1
    session.commit()
    assert mails.take(session, now=now + timedelta(seconds=30), limit=5) == []
    assert len(mails.take(session, now=now + timedelta(minutes=3), limit=5)) == 1


def test_states_are_counted(session: Session, settings: Settings, mara: User) -> None:
    put(session, mara, "factor_on")
    assert mails.counts(session) == {"waiting": 1, "sent": 0, "dead": 0}
    deliver.send_due(settings, Sink())
    session.rollback()
    assert mails.counts(session) == {"waiting": 0, "sent": 1, "dead": 0}
