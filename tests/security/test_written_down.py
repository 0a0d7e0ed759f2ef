"""The audit log: whatever changes something, is refused or leaves the desk stands in the audit log.

Every route that takes more than GET and every callback that writes is in one of three tables below. A new one that is
in none fails the last test: drive it in `DONE`, or say in `NOT_WRITTEN` why nobody will ever ask who it was.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from callbacks import attach
from core.jobs import IMPORT_FILE, TOP_UP, JobState
from core.roles import Role
from dashapp.config import ROOT
from db.queries import audit, jobs, refusals
from tests.api import asker, login
from tests.fire import fire
from tests.web import PASSWORD, SignIn, add_user, post_form, token_of

WRONG = "Not-the-password-9"
VIEWER = "viewer@example.org"


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk with its owner, and ways in."""

    app: Flask
    session: Session
    signed_in: SignIn

    def api(self, role: Role = Role.VIEWER) -> Callable[..., Any]:
        email = "owner@example.org" if role is Role.ADMIN else f"{role}@example.org"
        if role is not Role.ADMIN:
            add_user(self.session, email, role)
        return asker(self.app, login(self.app, email)["access_token"])

    def page(self, path: str, **fields: str) -> FlaskClient:
        """Fill in a form, as the viewer."""
        client = self.signed_in(Role.VIEWER)
        post_form(client, path, **fields)
        return client

    def job(self, *, state: JobState = JobState.QUEUED, mine: bool = True) -> str:
        owner_id = self.signed_in(Role.VIEWER).user_id if mine else None  # type: ignore[attr-defined]
        job = jobs.create(self.session, IMPORT_FILE if mine else TOP_UP, {}, owner_id=owner_id)
        job.state = state
        self.session.commit()
        return job.id


Act = Callable[[Desk], object]


def refresh_twice(desk: Desk) -> None:
    add_user(desk.session, VIEWER, Role.VIEWER)
    body = {"refresh_token": login(desk.app, VIEWER)["refresh_token"]}
    for _ in range(2):
        asker(desk.app, None)("POST", "/auth/refresh", body)


def cancel_mine(desk: Desk) -> None:
    job_id = desk.job()
    asker(desk.app, login(desk.app, VIEWER)["access_token"])("DELETE", f"/jobs/{job_id}")


def cancel_the_desks(desk: Desk) -> None:
    desk.api()("DELETE", f"/jobs/{desk.job(mine=False)}")


def make_and_remove_token(desk: Desk) -> None:
    ask = desk.api()
    body = {"name": "x", "scopes": ["read"], "days": 1, "current_password": PASSWORD}
    made = ask("POST", "/auth/tokens", body).get_json()
    ask("DELETE", f"/auth/tokens/{made['about']['id']}")


def reach_beyond_scope(desk: Desk) -> None:
    body = {"name": "x", "scopes": ["read"], "days": 1, "current_password": PASSWORD}
    token = desk.api()("POST", "/auth/tokens", body).get_json()["token"]
    asker(desk.app, token)("DELETE", "/jobs/00000000-0000-4000-8000-000000000000")


def download_refusals(desk: Desk) -> None:
    client, job_id = desk.signed_in(Role.VIEWER), desk.job()
    user_id = client.user_id  # type: ignore[attr-defined]
    refusals.keep(desk.session, job_id, [(1, "x")], user_id=user_id, import_id=None, file_name="x.csv")
    desk.session.commit()
    assert client.get(f"/markets/refused/{job_id}.csv").status_code == 200


def hand_in_a_file(desk: Desk) -> None:
    client = desk.signed_in(Role.VIEWER)
    data = {"csrf_token": token_of(client, "/profile"), "file": (io.BytesIO(b"x"), "x.csv")}
    client.post("/markets/import", data=data, content_type="multipart/form-data")


def end_another_session(desk: Desk) -> None:
    client, _other = desk.signed_in(Role.VIEWER), desk.signed_in(Role.VIEWER)
    number = client.get("/sessions").text.split('name="session" value="')[1].split('"')[0]
    post_form(client, "/sessions", session=number)


def enter_with_no_passkey(desk: Desk) -> None:
    client = desk.app.test_client()
    token = token_of(client, "/login")
    assert client.get("/login/passkey").status_code == 200
    assert client.post("/login/passkey", json={}, headers={"X-CSRFToken": token}).status_code == 401


def wrong_sign_in(desk: Desk) -> None:
    post_form(desk.app.test_client(), "/login", email="owner@example.org", password=WRONG)


def call_above_ones_role(desk: Desk) -> None:
    fire(desk.signed_in(Role.VIEWER), {"admin-invite-form.id": "admin-invite-form"})


def ask_api(method: str, path: str, body: Any = None, role: Role = Role.VIEWER) -> Act:
    return lambda desk: desk.api(role)(method, path, body)


def fill_in(path: str, **fields: str) -> Act:
    return lambda desk: desk.page(path, **fields)


def download(path: str, role: Role = Role.VIEWER) -> Act:
    return lambda desk: desk.signed_in(role).get(path)


TRAINING = {"markets": ["demo:BTC/USDT"], "timeframe": "1h", "horizon": 24}
PROFILE = {"display_name": "Vi", "theme": "dark", "updown": "teal-vermillion", "locale": "en-GB", "currency": "USD"}
CHANGE = {"current_password": WRONG, "new_password": "Another-teapot-72"}

# (door, action, result, who, what is done)
DONE: list[tuple[str, str, str, str, Act]] = [
    ("api.login", "sign_in", "ok", VIEWER, lambda desk: desk.api()),
    ("api.refresh", "token_reuse", "denied", VIEWER, refresh_twice),
    ("api.logout", "sign_out", "ok", VIEWER, ask_api("POST", "/auth/logout")),
    ("api.change_me", "profile_changed", "ok", VIEWER, ask_api("PATCH", "/auth/me", {"display_name": "Vi"})),
    ("api.remove_me", "account_removed", "ok", VIEWER, ask_api("DELETE", "/auth/me", {"current_password": PASSWORD})),
    ("api.remove_me", "reauthentication", "failed", VIEWER, ask_api("DELETE", "/auth/me", {"current_password": WRONG})),
    ("api.change_password", "password_changed", "ok", VIEWER,
     ask_api("POST", "/auth/password", CHANGE | {"current_password": PASSWORD})),
    ("api.change_password", "reauthentication", "failed", VIEWER, ask_api("POST", "/auth/password", CHANGE)),
    ("api.make_token", "token_made", "ok", VIEWER, make_and_remove_token),
    ("api.make_token", "reauthentication", "failed", VIEWER,
     ask_api("POST", "/auth/tokens", {"name": "x", "scopes": ["read"], "days": 1, "current_password": WRONG})),
    ("api.remove_token", "token_removed", "ok", VIEWER, make_and_remove_token),
    ("api.train", "training_asked", "ok", "owner@example.org",
     ask_api("POST", "/predictions/train", TRAINING, Role.ADMIN)),
    ("api.train", "access_denied", "denied", VIEWER, ask_api("POST", "/predictions/train", TRAINING)),
    ("api.cancel_job", "job_cancelled", "ok", VIEWER, cancel_mine),
    ("api.cancel_job", "access_denied", "denied", VIEWER, cancel_the_desks),
    ("api.cancel_job", "access_denied", "denied", VIEWER, reach_beyond_scope),
    ("auth.sign_in", "sign_in", "failed", "owner@example.org", wrong_sign_in),
    ("auth.sign_out", "sign_out", "ok", VIEWER, fill_in("/logout")),
    ("profile.show", "profile_changed", "ok", VIEWER, fill_in("/profile", **PROFILE)),
    ("profile.password", "reauthentication", "failed", VIEWER,
     fill_in("/password", current=WRONG, password="Another-teapot-72", repeat="Another-teapot-72")),
    ("profile.end_all", "sign_out_everywhere", "ok", VIEWER, fill_in("/sessions")),
    ("profile.end_all", "session_ended", "ok", VIEWER, end_another_session),
    ("two_factor.show", "reauthentication", "failed", VIEWER, fill_in("/two-factor", current=WRONG, act="on")),
    ("passkeys.add", "reauthentication", "failed", VIEWER, fill_in("/passkeys/add", current=WRONG, label="Key")),
    ("passkeys.enter", "sign_in", "failed", "unknown", enter_with_no_passkey),
    ("by_mail.forgot", "reset_asked", "ok", "unknown", fill_in("/forgot", email=VIEWER)),
    ("by_mail.change", "reauthentication", "failed", VIEWER,
     fill_in("/address", current=WRONG, email="new@example.org")),
    ("own_data.remove", "reauthentication", "failed", VIEWER,
     fill_in("/delete-account", current=WRONG, email=VIEWER)),
    ("uploads.take_file", "access_denied", "denied", VIEWER, hand_in_a_file),
    ("audit_export.export", "access_denied", "denied", VIEWER, download("/admin/audit.csv")),
    ("audit_export.export", "audit_exported", "ok", "owner@example.org", download("/admin/audit.csv", Role.ADMIN)),
    ("score_export.export", "scorecards_exported", "ok", VIEWER, download("/predictions/scorecard.csv")),
    ("refusals_export.export", "refusals_exported", "ok", VIEWER, download_refusals),
    ("callbacks", "access_denied", "denied", VIEWER, call_above_ones_role),
]  # fmt: skip

# door → (action, the test that drives it)
ELSEWHERE = {
    "auth.create_owner": ("owner_created", "tests/dashapp/test_register.py"),
    "register.create": ("account_created", "tests/dashapp/test_register.py"),
    "register.reset": ("password_reset", "tests/dashapp/test_register.py"),
    "by_mail.confirm": ("address_changed", "tests/dashapp/test_by_mail.py"),
    "passkeys.keep": ("passkey_added", "tests/browser/test_passkeys.py"),
    "passkeys.remove": ("passkey_removed", "tests/browser/test_passkeys.py"),
    "callbacks.admin.close_breaker": ("breaker_reset", "tests/callbacks/test_admin.py"),
    "callbacks.admin_jobs.act": ("job_retried", "tests/callbacks/test_admin.py"),
    "callbacks.admin_users.give_role": ("role_changed", "tests/callbacks/test_admin.py"),
    "callbacks.admin_users.act": ("account_disabled", "tests/callbacks/test_admin.py"),
    "callbacks.admin_sessions.end_session": ("session_ended", "tests/callbacks/test_admin_sessions.py"),
    "callbacks.admin_settings.act": ("setting_changed", "tests/dashapp/test_desk_settings.py"),
    "callbacks.leak_lab.examine": ("leak_lab_asked", "tests/callbacks/test_leak_lab.py"),
    "callbacks.model_care.promote": ("champion_changed", "tests/callbacks/test_model_care.py"),
    "callbacks.model_care.save_plan": ("retraining_changed", "tests/callbacks/test_model_care.py"),
    "callbacks.series_breaks.decide": ("series_joined", "tests/callbacks/test_series_breaks.py"),
    "api.ask_for_call": ("call_asked", "tests/dashapp/api/test_calls_on_demand.py"),
    "second_step.enter": ("sign_in", "tests/dashapp/test_two_factor.py"),
    "two_factor.confirm": ("two_factor_on", "tests/dashapp/test_two_factor.py"),
    "callbacks.admin_invitations.invite": ("invitation_made", "tests/callbacks/test_admin.py"),
    "callbacks.admin_invitations.withdraw": ("invitation_withdrawn", "tests/callbacks/test_admin.py"),
    "callbacks.market_search.follow_market": ("market_followed", "tests/callbacks/test_markets.py"),
    "callbacks.overview.act": ("market_followed", "tests/callbacks/test_overview.py"),
    "callbacks.models.cancel": ("job_cancelled", "tests/callbacks/test_models.py"),
    "callbacks.training_form.start": ("training_asked", "tests/callbacks/test_models.py"),
}
FOLLOWS = "writes through the same function as callbacks.market_search.follow_market, which is driven"
OWN = "changes what only the person sees, and says nothing to anybody else"
NOT_WRITTEN = {
    "api.register": "makes an account through accounts.register as register.create does, which is driven",
    "api.replace_watchlist": f"the own watchlist: {OWN}",
    "callbacks.shell.show_notices": f"ticks off the own notices: {OWN}",
    "callbacks.shell.keep_look": f"the own theme and colours: {OWN}",
    "callbacks.chart_keep.keep": f"own drawings and layouts: {OWN}",
    "callbacks.prediction_moved.follow": "asks what moved a call, which changes nothing but what is shown of it",
    "callbacks.market_search.take_market": FOLLOWS,
    "callbacks.market_search.switch_followed": FOLLOWS,
    "callbacks.model_care.rebuild": "asks for a file made again from what is stored; noted as rebuild_asked",
    "/_dash-update-component": "the way to every callback, and those are listed one by one",
}


@pytest.mark.parametrize(
    ("action", "result", "who", "act"), [pytest.param(*case, id=f"{door}-{case[0]}") for door, *case in DONE]
)
def test_what_is_written_down(
    app: Flask,
    session: Session,
    signed_in: SignIn,
    action: str,
    result: str,
    who: str,
    act: Act,
) -> None:
    if who == "unknown":
        add_user(session, VIEWER, Role.VIEWER)
    act(Desk(app, session, signed_in))
    found = audit.page(session, audit.Wanted(action=action, result=result))
    assert [event.actor for event in found][:1] == [who]
    assert found[0].ip == "127.0.0.1"
    assert not {PASSWORD, WRONG} & {str(value) for value in found[0].detail.values()}


@pytest.mark.parametrize(("action", "file"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_driven_elsewhere_is_looked_for_there(action: str, file: str) -> None:
    assert f'"{action}"' in (ROOT / file).read_text(encoding="utf-8")


def doors(app: Flask) -> set[str]:
    """Whatever can change something: endpoints that take more than GET, and callbacks that write."""
    changing = {"POST", "PUT", "PATCH", "DELETE"}
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if changing & (rule.methods or set())}
    wires = [wire for module in attach.modules() for wire in module.wire.wires if wire.changes]
    return routes | {f"{w.target.__module__}.{w.target.__name__}" for w in wires}


def unlisted(app: Flask) -> set[str]:
    return doors(app) - {door for door, *_ in DONE} - ELSEWHERE.keys() - NOT_WRITTEN.keys()


def test_every_door_that_changes_something_is_in_a_table(app: Flask) -> None:
    assert unlisted(app) == set()
    assert ELSEWHERE.keys() | NOT_WRITTEN.keys() <= doors(app), "a table names what is gone"
    assert not ELSEWHERE.keys() & NOT_WRITTEN.keys()
    app.add_url_rule("/new", "new", lambda: "", methods=["POST"])
    assert unlisted(app) == {"new"}
