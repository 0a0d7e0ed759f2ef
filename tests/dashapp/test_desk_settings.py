"""Settings chosen while Bolt runs win over the environment, and come back to it."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import Refused
from core.roles import Role
from core.settings import at_the_desk, changed, read
from db.queries import audit, desk_settings
from tests.fire import toasts
from tests.web import CALLBACKS, SignIn, body_of, dash_headers


def choose(session: Session, app: Flask, name: str, value: str, by: int) -> None:
    desk_settings.choose(session, name, value, by=by, now=utc_now())
    session.commit()
    app.extensions["bolt_overlay"]._asked = -1.0


def press(client: FlaskClient, word: str, values: dict[str, str]):
    """Press `save/NAME` or `reset/NAME` with these values in the fields."""
    wanted = next(
        d for d in client.get("/_dash-dependencies").get_json() if "admin-settings-changed.data" in d["output"]
    )
    body = body_of(wanted)
    place = {"index": word, "type": "admin-setting-act"}
    body["inputs"] = [[{"id": place, "property": "n_clicks", "value": 1}]]
    ids = [{"index": name, "type": "admin-setting"} for name in values]
    body["state"] = [
        [{"id": one, "property": "value", "value": value} for one, value in zip(ids, values.values(), strict=True)],
        [{"id": one, "property": "id", "value": one} for one in ids],
    ]
    body["changedPropIds"] = [json.dumps(place, separators=(",", ":"), sort_keys=True) + ".n_clicks"]
    return client.post(CALLBACKS, json=body, headers=dash_headers(client))


def test_a_choice_holds_at_once_and_ends_when_it_is_taken_back(
    app: Flask, client: FlaskClient, owner: int, session: Session
) -> None:
    assert client.get("/register").status_code == 404
    choose(session, app, "registration", "open", owner)
    assert client.get("/register").status_code == 200
    desk_settings.forget(session, "registration")
    session.commit()
    app.extensions["bolt_overlay"]._asked = -1.0
    assert client.get("/register").status_code == 404


def test_the_limit_of_the_api_is_the_chosen_one(app: Flask, client: FlaskClient, owner: int, session: Session) -> None:
    choose(session, app, "rate_limit_api", "7", owner)
    answer = client.get("/api/markets")
    assert "limit=7" in answer.headers["RateLimit"] or "q=7" in answer.headers["RateLimit-Policy"]


def test_what_another_version_kept_does_no_harm(app: Flask, client: FlaskClient, owner: int, session: Session) -> None:
    choose(session, app, "registration", "whoever", owner)
    assert client.get("/register").status_code == 404


@pytest.mark.parametrize(
    ("name", "value"), [("database_url", "x"), ("session_hours", "0"), ("nonsense", "1"), ("registration", "")]
)
def test_what_may_not_be_chosen_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refused):
        changed(read({}), {name: value})


def test_no_secret_can_be_chosen_at_the_desk() -> None:
    from dataclasses import fields

    from core.settings import Settings

    assert not [knob.name for knob in fields(Settings) if knob.metadata["desk"] and knob.metadata["secret"]]
    assert len(at_the_desk()) >= 5


def test_an_admin_changes_a_setting_on_the_page(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    assert client.get("/admin/settings").status_code == 200
    fields = {"REGISTRATION": "invite", "SESSION_HOURS": "12"}
    assert "REGISTRATION is invite now" in press(client, "save/REGISTRATION", fields).text
    assert desk_settings.chosen(session) == {"registration": "invite"}
    event = audit.page(session, audit.Wanted(action="setting_changed"))[0]
    assert (event.object, event.detail) == ("REGISTRATION", {"before": "closed", "now": "invite"})
    refused = press(client, "save/SESSION_HOURS", fields | {"SESSION_HOURS": "many"})
    assert "whole number" in toasts(refused)[0]["text"]
    press(client, "reset/REGISTRATION", fields)
    session.rollback()
    assert desk_settings.chosen(session) == {}


def test_others_change_nothing(signed_in: SignIn, session: Session) -> None:
    admin = signed_in(Role.ADMIN)
    press(admin, "save/REGISTRATION", {"REGISTRATION": "invite"})
    client = signed_in(Role.ANALYST)
    assert "is open now" not in press(client, "save/REGISTRATION", {"REGISTRATION": "open"}).text
    assert client.get("/admin/settings").status_code == 404
    session.rollback()
    assert desk_settings.chosen(session) == {"registration": "invite"}
