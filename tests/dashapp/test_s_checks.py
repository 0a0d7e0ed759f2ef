"""Roles in callbacks, over HTTP: what a viewer's browser may not do, it may not do by hand either."""

import logging
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from callbacks import attach
from core.roles import RANK, Role
from db.base import Base
from db.queries import audit
from tests.web import CALLBACKS, SignIn, body_of, dash_headers, router_body


def guarded(app: Flask) -> dict[str, tuple[str, Role]]:
    """Output id → (function, role) of every callback that a viewer may not call."""
    wires = [wire for module in attach.modules() for wire in module.wire.wires]
    needs = {w.target: w.target.needed_role for w in wires if RANK.get(getattr(w.target, "needed_role", None), 0) > 0}
    known = app.extensions["bolt_dash"].callback_map
    found = {}
    for output, callback in known.items():
        function = getattr(callback.get("callback"), "__wrapped__", None)
        if function in needs:
            found[output] = (function.__name__, needs[function])
    assert len(found) == len(needs)
    return found


def count_rows(database: Engine) -> dict[str, int]:
    with database.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
            if table.name != "audit_events"  # where each denial is written down
        }


def with_clicks(body: dict[str, Any]) -> dict[str, Any]:
    """The body of somebody who pressed every button."""
    for place in body["inputs"]:
        if place and place["property"] == "n_clicks":
            place["value"] = 1
    return body


def test_s04_callbacks_above_ones_role_are_refused_and_change_nothing(
    app: Flask, signed_in: SignIn, database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = signed_in(Role.VIEWER)
    headers = dash_headers(viewer)
    known = {d["output"]: d for d in viewer.get("/_dash-dependencies").get_json()}
    before = count_rows(database)
    refused = guarded(app)
    assert refused
    for output, (name, role) in refused.items():
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            answer = viewer.post(CALLBACKS, json=with_clicks(body_of(known[output])), headers=headers)
        assert answer.status_code < 500
        denied = [record for record in caplog.records if record.getMessage() == "authz_denied"]
        assert denied, f"{name} ran for a viewer though it needs {role}"
        assert name in denied[0].action
        with Session(database) as session:
            last = audit.page(session, audit.Wanted(), limit=1)[0]
        assert (last.actor, last.action, last.result) == ("viewer@example.org", "access_denied", "denied")
        assert name in last.object
    assert count_rows(database) == before


def test_s02_what_a_page_needs_of_dash_is_there_for_those_signed_in(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    assert client.get("/_dash-layout").status_code == 200
    assert client.get("/_dash-dependencies").status_code == 200


def test_s42_a_failing_callback_becomes_a_sentence_with_the_requests_id(
    app: Flask, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import callbacks.shell
    from layouts import ids

    def fail(*anything: object, **more: object) -> None:
        raise RuntimeError("secret detail of /srv/bolt/file.py")

    client = signed_in(Role.VIEWER)
    headers = dash_headers(client) | {"X-Request-ID": "trace-me-123"}
    known = {d["output"]: d for d in client.get("/_dash-dependencies").get_json()}
    wanted = known[f"{ids.Shell.PALETTE_RESULTS}.children"]
    monkeypatch.setattr(callbacks.shell.db.queries.markets, "search", fail)
    answer = client.post(CALLBACKS, json=body_of(wanted), headers=headers)
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert "trace-me-123" in answer.text
    assert "secret detail" in caplog.text


def test_a_page_load_leaves_no_connection_behind(app: Flask, signed_in: SignIn, session: Session) -> None:
    from dashapp.extensions import database as extension

    client = signed_in()
    for _ in range(3):
        client.get("/")
        client.post(CALLBACKS, json=router_body("/"), headers=dash_headers(client))
    with app.app_context():
        assert extension.engine.pool.checkedout() == 0
