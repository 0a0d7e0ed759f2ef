"""S10: asked about an address, Bolt does the same work whether somebody has it or not.

Counted, not timed: the same statements in the same order, and as many passwords hashed. `make security` times it.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from core.settings import Settings
from dashapp.auth import passwords
from db.queries import users
from db.tables import AuditEvent, Mail, User
from tests.api import STEADY, asker
from tests.web import OWNER, PASSWORD, add_user, make_app, settings_for, token_of

SAVEPOINT = re.compile(r"sa_savepoint_\d+")
NEW, PASSPHRASE = "new@example.org", "Violet-kettle-92"
Ask = Callable[[Flask, str], int]


class Work(PasswordHasher):
    """Writes down each statement that any database is given, and each password that is hashed."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=19_456, parallelism=1)
        self.done: list[str] = []

    def hash(self, *args: object, **kwargs: object) -> str:
        self.done.append("hash")
        return super().hash(*args, **kwargs)  # type: ignore[arg-type]

    def verify(self, *args: object) -> bool:  # type: ignore[override]
        self.done.append("hash")
        return super().verify(*args)  # type: ignore[arg-type]

    def note(self, _connection: object, _cursor: object, statement: str, *_more: object) -> None:
        words = SAVEPOINT.sub("point", statement)
        self.done.append(re.sub("^(RELEASE|ROLLBACK TO) SAVEPOINT", "END OF", words))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    passwords._dummy()  # made once in a process, at the first sign-in of nobody
    made = Work()
    monkeypatch.setattr(passwords, "_hasher", made)
    event.listen(Engine, "before_cursor_execute", made.note)
    yield made
    event.remove(Engine, "before_cursor_execute", made.note)


@pytest.fixture
def desk(settings: Settings, owner: int) -> Flask:
    return make_app(settings_for(settings.database_url, settings.redis_url, **STEADY, REGISTRATION="open"))


def ask_api(path: str, **fields: str) -> Ask:
    def ask(desk: Flask, email: str) -> int:
        return int(asker(desk, None)("POST", path, {"email": email, **fields}).status_code)

    return ask


def ask_page(path: str, **fields: str) -> Ask:
    def ask(desk: Flask, email: str) -> int:
        client = desk.test_client()
        sent = {"csrf_token": token_of(client, path), "email": email, **fields}
        return int(client.post(path, data=sent).status_code)

    return ask


ASKED = {
    "API, sign in": (ask_api("/auth/login", password="wrong"), 401, 1),
    "page, sign in": (ask_page("/login", password="wrong"), 401, 1),
    "API, register": (ask_api("/auth/register", password=PASSPHRASE), 202, 1),
    "page, register": (
        ask_page("/register", password=PASSPHRASE, repeat=PASSPHRASE, display_name=""),
        302,
        1,
    ),
    "page, forgotten password": (ask_page("/forgot"), 302, 0),
}


def of(work: Work, desk: Flask, ask: Ask, email: str) -> tuple[int, list[str]]:
    """(status, what was done) of asking about an address; as if nobody had asked before."""
    work.done.clear()
    return ask(desk, email), list(work.done)


@pytest.mark.parametrize(("ask", "status", "hashes"), ASKED.values(), ids=ASKED)
def test_s10_the_same_is_done_for_an_address_that_somebody_has_and_for_one_that_nobody_has(
    desk: Flask, work: Work, ask: Ask, status: int, hashes: int
) -> None:
    ask(desk, "warm@example.org")
    taken, free = of(work, desk, ask, OWNER), of(work, desk, ask, NEW)
    assert taken == free
    assert taken[0] == status
    assert taken[1].count("hash") == hashes
    assert len(taken[1]) > 5, "nothing was counted"


def test_s10_a_disabled_account_is_no_other_to_who_forgot_a_password(desk: Flask, work: Work, session: Session) -> None:
    ask, gone = ask_page("/forgot"), add_user(session, "gone@example.org", Role.VIEWER)
    session.execute(update(User).where(User.id == gone).values(disabled_at=utc_now()))
    session.commit()
    ask(desk, "warm@example.org")
    assert of(work, desk, ask, "gone@example.org") == of(work, desk, ask, NEW)
    assert session.scalars(select(Mail)).all() == []


def test_what_was_asked_about_an_address_is_written_down_and_done_for_who_has_it_alone(
    desk: Flask, session: Session
) -> None:
    for email in (OWNER, NEW):
        ask_page("/forgot")(desk, email)
        ask_api("/auth/register", password=PASSPHRASE)(desk, email)
    assert [(mail.kind, mail.address) for mail in session.scalars(select(Mail))] == [("reset", OWNER)]
    found = [
        (event.action, event.result, event.object, event.actor)
        for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))
        if event.action in {"reset_asked", "account_created"}
    ]
    assert found == [
        ("reset_asked", "ok", f"user {OWNER}", "unknown"),
        ("account_created", "failed", f"user {OWNER}", "unknown"),
        ("reset_asked", "failed", "", "unknown"),
        ("account_created", "ok", f"user {NEW}", NEW),
    ]
    owner = users.by_email(session, OWNER)
    assert owner is not None
    assert passwords.matches(owner.password_hash, PASSWORD)
