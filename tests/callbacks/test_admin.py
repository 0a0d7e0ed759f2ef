"""The admin desk on real servers: what it shows to admins, what it changes, and that nobody else gets anything."""

import json
from datetime import timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import core.job_queue
from callbacks import admin, admin_health, attach
from callbacks.grid_rows import Asked, first_id, words_of
from core.breaker import Breaker
from core.clock import utc_now
from core.jobs import IMPORT_FILE, TOP_UP, JobState
from core.machine import Machine
from core.roles import Role
from core.shared import SharedNumbers
from dashapp.version import version
from db.queries import audit, factors, invitations, jobs, leases, sources, users
from db.queries.job_table import QueueRow
from db.tables import AuditEvent, Invitation, Job, Mail, User
from layouts.components.admin_desk import Breaker as DrawnBreaker
from layouts.components.admin_desk import size
from layouts.pages.admin import PARTS
from tests.fire import fire, toasts
from tests.web import CALLBACKS, SignIn, add_user, body_of, dash_headers, router_body, settings_for

CANARY = "canary-7f3a"
IDLE_MACHINE = Machine(4, 0.4, 10, 100, 10, 100)


def plant(session: Session) -> None:
    """Words that stand in admin data alone."""
    users_id = users.add(
        session,
        f"{CANARY}@example.org",
        display_name=CANARY,
        password_hash="x",
        role=Role.VIEWER,
        is_owner=False,
    ).id
    job = jobs.create(session, IMPORT_FILE, {"symbol": CANARY}, owner_id=users_id)
    session.flush()
    job.state, job.reason, job.finished_at = "failed", f"{CANARY} broke", utc_now()
    sources.record(session, "binance", "down", now=utc_now(), detail=CANARY)
    invitations.add(session, role=Role.VIEWER, email=f"{CANARY}@example.org", invited_by=None, now=utc_now())
    audit.record(session, actor_id=None, actor=CANARY, action="role_changed", object=CANARY)
    session.commit()


def admin_bodies(client: FlaskClient) -> list[dict[str, Any]]:
    """A body for every callback of the admin desk, as an admin's browser would send it, buttons pressed."""
    found = []
    for dependency in client.get("/_dash-dependencies").get_json():
        if "admin-" not in dependency["output"] or dependency.get("clientside_function"):
            continue
        body = body_of(dependency)
        for place in body["inputs"]:
            if place:
                place["value"] = {"startRow": 0, "endRow": 50} if place["property"] == "getRowsRequest" else 1
        found.append(body)
    return found


def desk() -> list[Any]:
    """The modules whose callbacks are the admin desk's."""
    return [module for module in attach.modules() if module.__name__.startswith("callbacks.admin")]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_s03_nothing_of_the_admin_desk_reaches_others(signed_in: SignIn, session: Session, role: Role) -> None:
    client = signed_in(role)
    plant(session)
    bodies = admin_bodies(client)
    wires = [wire for module in desk() for wire in module.wire.wires]
    assert len(bodies) == sum(not isinstance(wire.target, str) for wire in wires)
    before = session.scalars(select(User.role)).all()
    for body in bodies:
        answer = client.post(CALLBACKS, json=body, headers=dash_headers(client))
        assert answer.status_code in {200, 204, 403}, body["output"]
        assert CANARY not in answer.text, body["output"]
    session.expire_all()
    assert session.scalars(select(User.role)).all() == before
    assert audit.count(session, audit.Wanted(action="access_denied")) == len(bodies)


def test_every_callback_of_the_admin_desk_is_for_admins() -> None:
    assert len(desk()) >= 5
    for module in desk():
        for wire in module.wire.wires:
            assert isinstance(wire.target, str) or wire.target.needed_role is Role.ADMIN  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
@pytest.mark.parametrize("path", [path for *_, path in PARTS])
def test_u33_others_get_the_same_404_as_at_an_unknown_address(signed_in: SignIn, role: Role, path: str) -> None:
    client = signed_in(role)
    asked, unknown = client.get(path), client.get("/no/such/page")
    assert asked.status_code == unknown.status_code == 404
    assert "<title>Page not found · Bolt</title>" in asked.text
    drawn = [client.post(CALLBACKS, json=router_body(p), headers=dash_headers(client)) for p in (path, "/no/such/page")]
    assert drawn[0].get_json() == drawn[1].get_json()
    assert "/admin" not in client.get("/_dash-layout").text
    assert client.get("/admin/audit.csv").status_code == 404


def test_an_admin_sees_the_whole_desk(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    plant(session)
    answer = fire(client, {"admin-tick.n_intervals": 0, "admin-changed.data": None}, output="admin-wrong")
    text = answer.text
    for words in ("1 job has failed within a day", "Binance silent", "No scheduler is at work", "PostgreSQL", "Memory"):
        assert words in text
    assert CANARY in text  # the latest events
    assert client.get("/admin/users").status_code == 200


def test_a_desk_without_tensorflow_is_drawn_whole(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image of the web server holds no TensorFlow."""

    def version(package: str) -> str:
        if package == "tensorflow":
            raise PackageNotFoundError(package)
        return "1.2.3"

    monkeypatch.setattr(admin_health, "version", version)
    inputs = {"admin-tick.n_intervals": 0, "admin-changed.data": None}
    answer = fire(signed_in(Role.ADMIN), inputs, output="admin-wrong")
    assert toasts(answer) == []
    assert admin_health.installed("TensorFlow", "tensorflow") == ("TensorFlow", "not installed here", "off")
    for words in ("not installed here", "1.2.3", "PostgreSQL", "Latest events"):
        assert words in answer.text


def test_queues_and_workers_are_told_by_name(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    job = jobs.create(session, TOP_UP, {})
    job.run_after = utc_now() - timedelta(minutes=5)
    session.commit()
    redis, heard = core.job_queue.redis(), utc_now().isoformat()
    for name in ("hand-1", "gone"):
        redis.sadd("rq:workers", f"rq:worker:{name}")
    redis.hset("rq:worker:hand-1", mapping={"queues": f"{job.queue},now", "state": "idle", "last_heartbeat": heard})
    (worker,) = core.job_queue.live_workers()
    assert (worker.name, worker.queues, worker.state) == ("hand-1", (job.queue, "now"), "idle")
    told = {row[0]: row[1:] for row in admin_health.queues(admin_health.job_table.queues(session), [worker])}
    assert told[job.queue] == ("1", "5 min", "1", "ok")
    assert told["predict"] == ("0", "—", "0", "off")
    assert admin_health.queues([QueueRow("train", 2, 60.0)], [])[0][-1] == "bad"
    answer = fire(client, {"admin-tick.n_intervals": 0, "admin-changed.data": None}, output="admin-wrong")
    for words in ("hand-1, idle", "Database revision", revision(session), version()):
        assert words in said(answer)


def revision(session: Session) -> str:
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def test_faults_are_named_the_worst_first() -> None:
    full = Machine(2, 2.4, 90, 100, 86, 100)
    down = DrawnBreaker("kraken", "down", "", None, None, "open", 3.0)
    opened = DrawnBreaker("binance", "ok", "", None, None, "half open", 0.0)
    assert admin.faults(full, 2, [down, opened], scheduler=False, redis=False) == [
        "Redis does not answer: jobs wait, pages still read",
        "No scheduler is at work: nothing is fetched, called or settled by itself",
        "The disk is 86% full",
        "The memory is 90% full",
        "2 jobs have failed within a day",
        "Kraken silent",
        "The breaker of Binance is half open",
        "The processor is at 120% of its cores",
    ]
    assert admin.faults(IDLE_MACHINE, 0, [], scheduler=True, redis=True) == []


def test_a_desk_without_faults_says_so(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    leases.take(session, "scheduler", "one", seconds=60)
    session.commit()
    answer = fire(client, {"admin-tick.n_intervals": 0, "admin-changed.data": None}, output="admin-wrong")
    assert "No scheduler" not in answer.text


# Grids


def said(answer: TestResponse) -> str:
    """The answer as text: Flask writes a slash as an escape."""
    return json.dumps(answer.get_json(), ensure_ascii=False)


def rows_of(answer: TestResponse, grid: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.get_json()["response"][grid]["getRowsResponse"]["rowData"]
    return found


def ask(client: FlaskClient, grid: str, search: str, text: str = "", **request: Any) -> list[dict[str, Any]]:
    state = {f"{search}.value": text}
    return rows_of(fire(client, {f"{grid}.getRowsRequest": {"startRow": 0, "endRow": 50, **request}}, state), grid)


def test_jobs_are_searched_sorted_and_paged_on_the_server(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    plant(session)
    for n in range(3):
        jobs.create(session, TOP_UP, {}, dedupe=f"top_up:{n}")
    session.commit()
    found = ask(client, "admin-jobs", "admin-job-search")
    assert [row["state"] for row in found] == ["Queued"] * 3 + ["Failed"]
    assert found[-1]["kind"] == f"Import a file, {CANARY}"
    assert found[0]["owner"] == "schedule"
    assert [row["reason"] for row in ask(client, "admin-jobs", "admin-job-search", CANARY)] == [f"{CANARY} broke"]
    sort = [{"colId": "state", "sort": "asc"}]
    assert ask(client, "admin-jobs", "admin-job-search", sortModel=sort)[0]["state"] == "Failed"
    assert len(ask(client, "admin-jobs", "admin-job-search", startRow=1, endRow=3)) == 2


def test_users_show_neither_hash_nor_token(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    plant(session)
    found = ask(client, "admin-users", "admin-user-search")
    assert [row["role"] for row in found] == ["Viewer", "Owner"]
    assert "argon2" not in json.dumps(found)
    assert [row["email"] for row in ask(client, "admin-users", "admin-user-search", CANARY)] == [
        f"{CANARY}@example.org"
    ]


def test_the_log_is_filtered_by_result(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    audit.record(session, actor_id=1, actor="x", action="sign_in", result="failed", detail={"reason": "wrong password"})
    session.commit()
    body = {"admin-events.getRowsRequest": {"startRow": 0, "endRow": 50}}
    answer = fire(client, body, {"admin-event-search.value": "", "admin-result.value": "failed"})
    (row,) = rows_of(answer, "admin-events")
    assert (row["result"], row["detail"], row["action"]) == ("Failed", "reason: wrong password", "Sign in")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (None, Asked(0, 50, "", True)),
        ({"startRow": 50, "endRow": 100}, Asked(50, 50, "", True)),
        ({"startRow": 0, "endRow": 10**12}, Asked(0, 200, "", True)),
        ({"startRow": -5, "endRow": "x"}, Asked(0, 50, "", True)),
        ({"sortModel": [{"colId": "at", "sort": "asc"}]}, Asked(0, 50, "at", False)),
        ({"sortModel": ["x"]}, Asked(0, 50, "", True)),
    ],
)
def test_what_a_grid_asks_is_not_trusted(request_: Any, expected: Asked) -> None:
    assert Asked.of(request_) == expected


def test_words_and_ids_out_of_a_page_are_cleaned() -> None:
    assert words_of(" a\x00b ") == "ab"
    assert words_of({"x": 1}) == ""
    assert first_id([{"id": "7"}]) == "7"
    assert first_id([{"id": 7}]) is first_id([]) is first_id("x") is None


# Jobs and sources


def press(client: FlaskClient, kind: str, index: str, *, output: str) -> TestResponse:
    """Press the button of a pattern `kind` with this index."""
    wanted = [d for d in client.get("/_dash-dependencies").get_json() if output in d["output"]]
    (one,) = [d for d in wanted if any(kind in i["id"] for i in d["inputs"])]
    body = body_of(one)
    prop = next(i["property"] for i in one["inputs"] if kind in i["id"])
    place = {"id": {"index": index, "type": kind}, "property": prop, "value": 1}
    body["inputs"] = [
        [place] if kind in i["id"] else given for i, given in zip(one["inputs"], body["inputs"], strict=True)
    ]
    body["changedPropIds"] = [json.dumps(place["id"], separators=(",", ":"), sort_keys=True) + f".{prop}"]
    return client.post(CALLBACKS, json=body, headers=dash_headers(client))


def confirm(client: FlaskClient, dialog: str, row: str, *, asked: str = "") -> None:
    """Say yes in a dialog, with this row chosen in the table."""
    wanted = next(d for d in client.get("/_dash-dependencies").get_json() if f"{dialog}.is_open" in d["output"])
    body = body_of(wanted)
    for place in body["inputs"]:
        if place and place["id"] == f"{dialog}-yes":
            place["value"] = 1
    body["state"][0]["value"] = [{"id": row}]
    if asked:
        body["state"][1]["value"] = asked
    body["changedPropIds"] = [f"{dialog}-yes.n_clicks"]
    assert client.post(CALLBACKS, json=body, headers=dash_headers(client)).status_code == 200


def test_a_failed_job_runs_again_as_a_new_one(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    plant(session)
    failed = session.scalars(select(Job)).one()
    assert (
        toasts(press(client, "admin-job-act", f"retry/{failed.id}", output="admin-job-ask"))[0]["title"]
        == "Asked for again"
    )
    session.expire_all()
    made = session.scalars(select(Job).where(Job.id != failed.id)).one()
    assert (made.name, made.args, made.owner_id, made.state) == (failed.name, failed.args, failed.owner_id, "queued")
    assert core.job_queue.held(made.queue)
    assert audit.page(session, audit.Wanted(action="job_retried"))[0].object == f"job {failed.id}"
    refused = press(client, "admin-job-act", f"retry/{made.id}", output="admin-job-ask")
    assert "Only a job that has failed" in toasts(refused)[0]["text"]


def test_a_waiting_job_is_cancelled(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    job = jobs.create(session, TOP_UP, {})
    session.commit()
    asked = press(client, "admin-job-act", f"cancel/{job.id}", output="admin-job-ask")
    assert asked.get_json()["response"] == {"admin-job-ask": {"is_open": True}}
    session.expire_all()
    assert jobs.get(session, job.id).state == JobState.QUEUED
    confirm(client, "admin-job-ask", job.id)
    session.expire_all()
    assert jobs.get(session, job.id).state == JobState.CANCELLED
    assert audit.count(session, audit.Wanted(action="job_cancelled")) == 1


def test_the_chosen_job_says_why_it_failed(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    plant(session)
    job = session.scalars(select(Job)).one()
    inputs = {"admin-jobs.selectedRows": [{"id": job.id}], "admin-changed.data": None, "admin-tick.n_intervals": 0}
    text = fire(client, inputs, output="admin-job.").text
    assert f"{CANARY} broke" in text
    assert "Run again" in text
    assert "Cancel job" not in text
    assert fire(client, inputs | {"admin-jobs.selectedRows": [{"id": "gone"}]}, output="admin-job.").get_json() == {
        "multi": True,
        "response": {"admin-job": {"children": None}},
    }


def test_an_open_breaker_is_closed_by_an_admin(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    plant(session)
    breaker = Breaker(SharedNumbers(core.job_queue.redis()), "binance")
    for _ in range(5):
        breaker.failed()
    assert breaker.state()[0] == "open"
    press(client, "admin-reset", "binance", output="admin-changed")
    assert breaker.state() == ("closed", 0.0)
    assert audit.count(session, audit.Wanted(action="breaker_reset")) == 1
    assert "no such source" in toasts(press(client, "admin-reset", "nowhere", output="admin-changed"))[0]["text"]


# Accounts and invitations


@pytest.fixture
def mara(owner: int, session: Session) -> User:
    return session.get_one(User, add_user(session, "mara@example.org", Role.VIEWER))


def test_a_role_is_given_at_the_desk_and_written_down(signed_in: SignIn, session: Session, mara: User) -> None:
    client = signed_in(Role.ADMIN)
    wanted = next(
        d
        for d in client.get("/_dash-dependencies").get_json()
        if any("admin-user-role" in i["id"] for i in d["inputs"])
    )
    body = body_of(wanted)
    place = {"id": {"index": str(mara.id), "type": "admin-user-role"}, "property": "value", "value": "analyst"}
    body["inputs"], body["changedPropIds"] = [[place]], [f'{{"index":"{mara.id}","type":"admin-user-role"}}.value']
    assert "mara@example.org is analyst now" in client.post(CALLBACKS, json=body, headers=dash_headers(client)).text
    session.expire_all()
    assert session.get_one(User, mara.id).role == "analyst"
    event = audit.page(session, audit.Wanted(action="role_changed"))[0]
    assert event.detail == {"before": "viewer", "role": "analyst"}
    place["value"] = "emperor"
    assert client.post(CALLBACKS, json=body, headers=dash_headers(client)).status_code == 204


def test_an_account_is_disabled_after_a_second_word(signed_in: SignIn, session: Session, mara: User) -> None:
    client = signed_in(Role.ADMIN)
    asked = press(client, "admin-user-act", f"disable/{mara.id}", output="admin-ask").get_json()["response"]
    assert asked["admin-ask"]["is_open"] is True
    assert "can't sign in again" in asked["admin-ask-text"]["children"]
    session.expire_all()
    assert session.get_one(User, mara.id).disabled_at is None
    confirm(client, "admin-ask", str(mara.id), asked="disable")
    session.expire_all()
    assert session.get_one(User, mara.id).disabled_at is not None
    press(client, "admin-user-act", f"enable/{mara.id}", output="admin-ask")
    session.expire_all()
    assert session.get_one(User, mara.id).disabled_at is None
    assert [e.action for e in audit.page(session, audit.Wanted(text="mara"))][:2] == [
        "account_enabled",
        "account_disabled",
    ]


def test_giving_all_rights_is_asked_about_first(signed_in: SignIn, session: Session, mara: User) -> None:
    client = signed_in(Role.ADMIN)
    asked = press(client, "admin-user-act", f"admin/{mara.id}", output="admin-ask").get_json()["response"]
    assert "do everything here" in asked["admin-ask-text"]["children"]
    assert asked["admin-ask-yes"]["children"] == "Make admin"
    session.expire_all()
    assert session.get_one(User, mara.id).role == "viewer"
    confirm(client, "admin-ask", str(mara.id), asked="admin")
    session.expire_all()
    assert session.get_one(User, mara.id).role == "admin"
    assert session.scalars(select(Mail.kind)).all() == ["role_changed"]


def test_codes_of_somebody_who_lost_them_are_turned_off(signed_in: SignIn, session: Session, mara: User) -> None:
    factors.offer_totp(session, mara.id, "sealed", now=utc_now())
    factors.confirm_totp(session, mara.id, now=utc_now())
    session.commit()
    client = signed_in(Role.ADMIN)
    press(client, "admin-user-act", f"codes/{mara.id}", output="admin-ask")
    assert factors.totp_on(session, mara.id)
    confirm(client, "admin-ask", str(mara.id), asked="codes")
    session.rollback()
    assert not factors.totp_on(session, mara.id)
    assert session.scalars(select(Mail.kind)).all() == ["factor_off"]
    assert audit.page(session, audit.Wanted(text="mara"))[0].action == "two_factor_off"


def test_the_owner_cannot_be_shut_out_and_the_page_says_why(signed_in: SignIn, session: Session, owner: int) -> None:
    client = signed_in(Role.ADMIN)
    inputs = {"admin-users.selectedRows": [{"id": str(owner)}], "admin-users-changed.data": None}
    text = said(fire(client, inputs, output="admin-user."))
    assert "let others in" in text
    assert "admin-user-act" not in text
    refused = press(client, "admin-user-act", f"link/{owner}", output="admin-ask")
    assert "reset at the server" in toasts(refused)[0]["text"]


def test_a_reset_link_made_at_the_desk_works(
    signed_in: SignIn, session: Session, mara: User, client: FlaskClient
) -> None:
    answer = press(signed_in(Role.ADMIN), "admin-user-act", f"link/{mara.id}", output="admin-ask")
    link = said(answer).split("/reset?token=")[1].split('"')[0]
    assert "mara@example.org" in client.get(f"/reset?token={link}").text
    assert link not in str([vars(e) for e in session.scalars(select(AuditEvent))])


def test_sessions_of_somebody_are_ended(signed_in: SignIn, session: Session) -> None:
    viewer, chief = signed_in(Role.VIEWER), signed_in(Role.ADMIN)
    press(chief, "admin-user-act", f"end/{viewer.user_id}", output="admin-ask")  # type: ignore[attr-defined]
    from dashapp.auth import sessions

    sessions.forget_answers()
    assert viewer.get("/").status_code == 302


def test_an_invitation_is_made_shown_once_and_withdrawn(
    app: Flask, signed_in: SignIn, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(Role.ADMIN)
    known = app.extensions["bolt_settings"]
    monkeypatch.setitem(app.extensions, "bolt_settings", settings_for(known.database_url, REGISTRATION="invite"))
    state = {"admin-invite-role.value": "analyst", "admin-invite-email.value": "new@example.org"}
    answer = fire(client, {"admin-invite.n_clicks": 1}, state, output="admin-invite-link")
    token = said(answer).split("/register?invite=")[1].split('"')[0]
    made = session.scalars(select(Invitation)).one()
    assert (made.role, made.email, made.token_hash) == ("analyst", "new@example.org", invitations.hashed(token))
    (listed,) = ask(client, "admin-invitations", "admin-invitation-search")
    assert (listed["email"], listed["role"], listed["state"]) == ("new@example.org", "Analyst", "Open")
    assert token not in str(listed)
    assert token not in str([vars(e) for e in session.scalars(select(AuditEvent))])
    press(client, "admin-withdraw", str(made.id), output="admin-users-changed")
    session.expire_all()
    assert {"invitation_made", "invitation_withdrawn"} <= set(audit.actions(session))
    assert session.scalars(select(Invitation)).one().withdrawn_at is not None


def test_a_closed_desk_invites_nobody(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    assert "REGISTRATION is closed" in fire(client, {"admin-invite-form.id": "admin-invite-form"}).text
    fire(client, {"admin-invite.n_clicks": 1}, {"admin-invite-role.value": "admin"}, output="admin-invite-link")
    assert session.scalars(select(Invitation)).all() == []


# The log


def test_the_log_is_exported_as_csv_without_formulas(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ADMIN)
    audit.record(session, actor_id=None, actor="=HYPERLINK(1)", action="sign_in", result="failed")
    session.commit()
    answer = client.get("/admin/audit.csv?result=failed")
    head, row = answer.text.splitlines()
    assert head.startswith('"id","at","actor_id","actor"')
    assert ',"\'=HYPERLINK(1)",' in row
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert audit.page(session, audit.Wanted(), limit=1)[0].action == "audit_exported"
    others = dict.fromkeys([f"admin-{word}.value" for word in ("action", "person", "since", "until")])
    inputs = {"admin-event-search.value": "a b", "admin-result.value": "failed"} | others
    assert "/admin/audit.csv?text=a+b&result=failed" in said(fire(client, inputs, output="admin-export"))


def test_the_log_is_filtered_by_action_person_and_days_on_page_and_export(signed_in: SignIn, session: Session) -> None:
    client, today = signed_in(Role.ADMIN), f"{utc_now():%Y-%m-%d}"
    for actor, action in (("mara", "role_changed"), ("mara", "sign_out"), ("jonas", "role_changed")):
        audit.record(session, actor_id=None, actor=actor, action=action)
    session.commit()
    state = {"admin-action.value": "role_changed", "admin-person.value": "mara"}
    asked = {"admin-events.getRowsRequest": {"startRow": 0, "endRow": 50}}
    for days, found in (((None, None), 1), ((today, today), 1), (("2020-01-01", "2020-01-02"), 0), (("x", None), None)):
        given = state | dict(zip(("admin-since.value", "admin-until.value"), days, strict=True))
        answer = fire(client, asked, given)
        address = fire(
            client, {"admin-event-search.value": "", "admin-result.value": "all"} | given, output="admin-export"
        )
        if found is None:
            assert "2026-01-31" in toasts(answer)[0]["text"]
            assert client.get("/admin/audit.csv?since=x").status_code == 422
            continue
        assert [row["actor"] for row in rows_of(answer, "admin-events")] == ["mara"] * found
        lines = client.get(address.get_json()["response"]["admin-export"]["href"]).text.splitlines()
        assert len(lines) == 1 + found
    choices = fire(client, {"admin-action.id": "admin-action"}).get_json()["response"]
    assert choices["admin-action"]["options"]["role_changed"] == "Role changed"
    assert {"jonas", "mara"} <= set(choices["admin-person"]["options"])


def test_old_jobs_do_not_count_as_failed_today(session: Session) -> None:
    job = jobs.create(session, TOP_UP, {})
    job.state, job.finished_at = "failed", utc_now() - timedelta(days=2)
    session.flush()
    assert admin.job_table.counts(session, since=utc_now() - admin.DAY).failed == 0


def test_a_folder_is_counted_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(admin, "monotonic", lambda: now[0])
    (tmp_path / "a").write_bytes(b"123")
    assert admin.size_of(tmp_path) == 3
    (tmp_path / "b").write_bytes(b"45")
    assert admin.size_of(tmp_path) == 3
    now[0] += admin.COUNTED_S + 1
    assert admin.size_of(tmp_path) == 5


def test_sizes_are_read_by_people() -> None:
    assert [size(n) for n in (0, 999, 1_500, 5_234_567, 1.9e9, 2.4e11)] == [
        "0 B", "999 B", "1.5 kB", "5.2 MB", "1.9 GB", "240 GB",
    ]  # fmt: skip
