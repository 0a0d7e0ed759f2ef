"""The desk's tables of invitations and of model versions: searched, sorted and paged on the server."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import Refused
from core.roles import Role
from db.queries import invitations, trained_models
from tests.callbacks.test_admin import ask, press
from tests.db.test_trained_models import CARD, record
from tests.fire import fire
from tests.ml import versions
from tests.web import SignIn, settings_for

INVITED = ("admin-invitations", "admin-invitation-search")
MODELS = ("admin-models", "admin-model-search")


def invite(session: Session, email: str, role: Role, *, days_ago: int = 0) -> int:
    made, _ = invitations.add(
        session, role=role, email=email, invited_by=None, now=utc_now() - timedelta(days=days_ago, minutes=1)
    )
    return made.id


def test_invitations_are_searched_sorted_and_paged_on_the_server(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    invite(session, "zoe@example.org", Role.VIEWER, days_ago=10)
    invite(session, "", Role.ANALYST)
    invite(session, "adam@example.org", Role.ADMIN)
    invite(session, "long@example.org", Role.ADMIN, days_ago=60)
    session.commit()
    found = ask(client, *INVITED)
    assert [row["email"] for row in found] == ["adam@example.org", "Anybody", "zoe@example.org"]
    assert [row["state"] for row in found] == ["Open", "Open", "Ended"]
    assert [row["email"] for row in ask(client, *INVITED, "ended")] == ["zoe@example.org"]
    by_role = ask(client, *INVITED, sortModel=[{"colId": "role", "sort": "desc"}])
    assert [row["role"] for row in by_role] == ["Viewer", "Analyst", "Admin"]
    assert [row["email"] for row in ask(client, *INVITED, startRow=1, endRow=2)] == ["Anybody"]
    with pytest.raises(Refused, match="sorted by"):
        invitations.page(session, sort="token_hash", now=utc_now())


def test_the_chosen_invitation_can_be_withdrawn_while_it_is_open(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    number = invite(session, "", Role.ANALYST)
    session.commit()
    chosen = {"admin-invitations.selectedRows": [{"id": str(number)}], "admin-users-changed.data": None}
    drawn = fire(client, chosen, output="admin-invitation.").text
    assert "Anybody with the link" in drawn
    assert "Withdraw invitation" in drawn
    press(client, "admin-withdraw", str(number), output="admin-users-changed")
    after = fire(client, chosen, output="admin-invitation.").text
    assert "withdrawn" in after
    assert "Withdraw invitation" not in after
    gone = chosen | {"admin-invitations.selectedRows": [{"id": "999999"}]}
    children = fire(client, gone, output="admin-invitation.").get_json()["response"]["admin-invitation"]["children"]
    assert children is None


def test_versions_are_searched_sorted_and_paged_with_what_their_files_take(
    app: Flask, signed_in: SignIn, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(Role.ADMIN)
    known = app.extensions["bolt_settings"]
    settings = settings_for(known.database_url, BOLT_DATA=str(tmp_path))
    monkeypatch.setitem(app.extensions, "bolt_settings", settings)
    for gain in (0.01, 0.005):
        record(session, versions.with_gain(CARD, gain))
    session.commit()
    newest = trained_models.stored(session)[0]
    folder = settings.models / newest.folder
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"x" * 2_000)
    found = ask(client, *MODELS)
    assert [(row["state"], row["size"]) for row in found] == [("Candidate", "2.0 kB"), ("Champion", "0 B")]
    assert found[0]["title"] == newest.title
    assert [row["state"] for row in ask(client, *MODELS, "champion")] == ["Champion"]
    assert ask(client, *MODELS, CARD.name[:5], sortModel=[{"colId": "title", "sort": "asc"}])[0]["title"][-2:] == "v1"
    assert len(ask(client, *MODELS, startRow=1, endRow=2)) == 1
    with pytest.raises(Refused, match="sorted by"):
        trained_models.stored(session, sort="folder")
