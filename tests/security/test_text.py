"""S22, S25, S39: what people type, where it leaves Bolt as a letter, a table, a query, or code."""

import subprocess
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alerts.letters import Letter
from alerts.transports.email import Smtp
from core.clock import utc_now
from core.errors import Refused
from core.roles import Role
from dashapp.config import ROOT
from db.queries import audit, job_table, members
from db.tables import User
from tests.fire import fire, toasts
from tests.web import SignIn

INJECTED = ("(select pg_sleep(9))", "id; DROP TABLE users", "id) --", "1 OR 1=1", "password_hash", "%' OR '1'='1", "\\")


SORTED: tuple[Callable[[Session, str], object], ...] = (
    lambda session, words: job_table.page(session, sort=words),
    lambda session, words: audit.page(session, audit.Wanted(), sort=words),
    lambda session, words: members.page(session, sort=words, now=utc_now(), idle=timedelta(hours=1)),
)
GRIDS = ("admin-jobs", "admin-users", "admin-sessions", "admin-events")


def test_s22_a_letter_has_the_headers_that_bolt_gave_it() -> None:
    transport = Smtp("localhost", 25, "none", "", "", "bolt@example.org")
    for subject in ("Hello\r\nBcc: all@evil.example", "Hello\nX-Evil: 1"):
        with pytest.raises(ValueError):
            transport.compose("mara@example.org", Letter(subject, "text"), 1)
    for address in ("mara@example.org\r\nBcc: all@evil.example", "mara@example.org\nTo: b@evil.example"):
        with pytest.raises(ValueError):
            transport.compose(address, Letter("Hello", "text"), 1)
    message = transport.compose("mara@example.org", Letter("Hello", "Name: x\r\nBcc: all@evil.example"), 1)
    assert "Bcc" not in message
    assert message.get_content_type() == "text/plain"


def test_s25_sorting_and_filters_take_names_from_a_list(signed_in: SignIn, session: Session) -> None:
    """The admin tables' sort and search, and the API's parameters, with pieces of SQL."""
    client: FlaskClient = signed_in(Role.ADMIN)
    before = session.query(User).count()
    for words in INJECTED:
        assert audit.page(session, audit.Wanted(text=words), limit=5) == []
        assert client.get("/admin/audit.csv", query_string={"text": words, "result": words}).status_code in {200, 422}
        assert job_table.page(session, text=words, limit=5) == []
        assert members.page(session, text=words, limit=5, now=utc_now(), idle=timedelta(hours=1)) == []
        for sorted_by in SORTED:
            with pytest.raises(Refused, match="is sorted by"):
                sorted_by(session, words)
        for grid in GRIDS:
            asked = {"startRow": 0, "endRow": 50, "sortModel": [{"colId": words, "sort": "asc"}]}
            answer = fire(client, {f"{grid}.getRowsRequest": asked})
            assert "is sorted by" in toasts(answer)[0]["text"], grid
            assert "rowData" not in answer.text
    assert session.query(User).count() == before


def test_s39_rules_against_dangerous_calls_are_in_place() -> None:
    """`make security` runs them; here they are counted, so that none is lost on the way."""
    text = (ROOT / "tests/security/rules/python.yml").read_text(encoding="utf-8")
    for rule in ("no-dynamic-code", "no-weak-hash", "no-unverified-tls", "no-unpickling", "no-shell", "no-text-in-sql"):
        assert f"id: {rule}\n" in text
    shown = (ROOT / "tests/security/rules/python.py").read_text(encoding="utf-8")
    ids = [line.split("id: ")[1] for line in text.splitlines() if line.startswith("  - id: ")]
    assert [rule for rule in ids if f"# ruleid: {rule}\n" not in shown] == []
    planned = subprocess.run(["make", "-n", "security"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "tests.security.scan" in planned


@pytest.mark.parametrize("path", ["/login", "/password"])
def test_password_fields_are_masked_and_welcome_password_managers(
    signed_in: SignIn, path: str, database: Engine
) -> None:
    client = signed_in(Role.VIEWER) if path == "/password" else signed_in(Role.VIEWER).application.test_client()
    page = client.get(path).text
    fields = [part.split(">")[0] for part in page.split("<input")[1:] if "password" in part.split(">")[0]]
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert 'autocomplete="current-password"' in field or 'autocomplete="new-password"' in field
        assert "onpaste" not in field
