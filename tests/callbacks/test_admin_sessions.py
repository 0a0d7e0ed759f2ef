"""Everybody's sessions on the admin desk: found, sorted, paged, and ended one by one."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import NotFound, Refused
from core.roles import Role
from dashapp.auth import sessions
from db.queries import audit, session_table, user_sessions, users
from tests.callbacks.test_admin import ask, press
from tests.fire import fire, toasts
from tests.web import SignIn

IDLE = timedelta(hours=1)


def begin(session: Session, owner: int, sid: str, **told: str) -> None:
    """A session of the owner, begun by a device and an address."""
    now, over = utc_now(), utc_now() + timedelta(hours=2)
    given = {"ip": "192.0.2.7", "user_agent": "Lynx"} | told
    user_sessions.add(session, users.get(session, owner), sid, now=now, forget_at=over, **given)


def test_sessions_are_searched_sorted_and_paged_on_the_server(signed_in: SignIn, session: Session, owner: int) -> None:
    client = signed_in(Role.ADMIN)
    begin(session, owner, "secret-a", user_agent="Lynx", ip="192.0.2.7")
    begin(session, owner, "secret-b", user_agent="Amaya", ip="198.51.100.3")
    session.commit()
    place = ("admin-sessions", "admin-session-search")
    found = ask(client, *place)
    assert len(found) == 3
    assert "secret" not in str(found), "a cookie's name opens the session"
    assert [row["device"] for row in ask(client, *place, "198.51")] == ["Amaya"]
    by_device = ask(client, *place, sortModel=[{"colId": "device", "sort": "asc"}])
    assert by_device[0]["device"] == "Amaya"
    assert len(ask(client, *place, startRow=1, endRow=2)) == 1
    with pytest.raises(Refused, match="sorted by"):
        session_table.page(session, sort="sid", now=utc_now(), idle=IDLE)


def test_an_admin_ends_one_session_and_the_others_go_on(signed_in: SignIn, session: Session) -> None:
    chief, one, other = signed_in(Role.ADMIN), signed_in(Role.VIEWER), signed_in(Role.VIEWER)
    rows = session_table.page(session, text="viewer", sort="created_at", now=utc_now(), idle=IDLE, descending=False)
    inputs = {"admin-sessions.selectedRows": [{"id": str(rows[0].id)}], "admin-users-changed.data": None}
    assert "End session" in fire(chief, inputs, output="admin-session.").text
    answer = press(chief, "admin-session-end", str(rows[0].id), output="admin-users-changed")
    assert "has ended" in toasts(answer)[0]["title"]
    sessions.forget_answers()
    assert [client.get("/").status_code for client in (one, other, chief)] == [302, 200, 200]
    event = audit.page(session, audit.Wanted(action="session_ended"))[0]
    assert (event.object, event.detail) == ("user viewer@example.org", {"address": "127.0.0.1"})
    session.rollback()
    assert session_table.one(session, rows[0].id, now=utc_now(), idle=IDLE) is None
    assert fire(chief, inputs, output="admin-session.").get_json()["response"]["admin-session"]["children"] is None
    with pytest.raises(NotFound):
        session_table.end(session, 999_999, now=utc_now())
