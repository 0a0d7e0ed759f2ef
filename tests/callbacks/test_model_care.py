"""Under the card: the gate with its values, Promote that rests, rebuild, drift, and when a family is trained again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.jobs import REBUILD_MODEL
from core.roles import Role
from db.queries import audit, jobs, retraining, scorecards, trained_models
from ml import drift, rebuilding, registry, watching
from tests.fire import fire, toasts, wired
from tests.ml import versions
from tests.ml.test_promotion import GOOD, examined, sample
from tests.ml.test_promotion import publish as publish_with
from tests.web import SignIn, dash_headers

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))


@pytest.fixture
def models(app: Flask, tmp_path: Path) -> Path:
    """The desk's folder of models."""
    overlay = app.extensions["bolt_overlay"]
    overlay.environment = replace(overlay.environment, models_dir=str(tmp_path))
    app.extensions["bolt_settings"] = overlay.environment
    return tmp_path


def look(client: FlaskClient, search: str = "", seen: Any = None) -> Any:
    inputs = {"models-tick.n_intervals": 1, "_pages_location.search": search}
    return fire(client, inputs, {"models-care-seen.data": seen}, output="models-care-seen")


def press(client: FlaskClient, kind: str, model_id: Any) -> Any:
    one = next(w for w in wired(client) if f'"type":"{kind}"' in w["output"])
    name = {"index": model_id, "type": kind}
    body = {
        "output": one["output"],
        "outputs": [{"id": name, "property": "disabled"}],
        "inputs": [[{"id": name, "property": "n_clicks", "value": 1}]],
        "state": [],
        "changedPropIds": [f"{json.dumps(name, separators=(',', ':'))}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body, headers=dash_headers(client))


def publish(session: Session, models: Path) -> int:
    made = versions.publish(session, models, CARD, ASKED).id
    session.commit()
    return made


def save(client: FlaskClient, family: str, cron: str, on_drift: bool = False) -> Any:
    state = {"models-plan-family.data": family, "models-cron.value": cron, "models-on-drift.value": on_drift}
    return fire(client, {"models-plan-save.n_clicks": 1}, state, output="models-plan-save")


def test_without_a_version_nothing_is_drawn(signed_in: SignIn) -> None:
    assert look(signed_in(Role.VIEWER)).status_code == 204


def test_the_gate_shows_every_line_and_promote_rests(signed_in: SignIn, session: Session, models: Path) -> None:
    publish(session, models)
    text = str(look(signed_in(Role.ANALYST)).get_json())
    for words in ("1 of 6 pass", "no demonstrated skill", "no walk-forward", "not run", "It serves unproven"):
        assert words in text
    assert "Promote to champion" in text and "'disabled': True" in text
    viewer = str(look(signed_in(Role.VIEWER)).get_json())
    assert "Promote to champion" not in viewer and "An analyst of this desk can promote it" in viewer


def test_nothing_is_drawn_again_while_nothing_changes(signed_in: SignIn, session: Session, models: Path) -> None:
    model_id, client = publish(session, models), signed_in(Role.ANALYST)
    seen = look(client).get_json()["response"]["models-care-seen"]["data"]
    assert look(client, seen=seen).status_code == 204
    report = drift.judge({}, [], None)
    scorecards.keep_report(session, model_id, scorecards.DRIFT, report.state, report.to_dict())
    session.commit()
    assert "too few settled calls to compare" in str(look(client, seen=seen).get_json())


def test_promotion_needs_every_line_whoever_asks(signed_in: SignIn, session: Session, models: Path) -> None:
    model_id = publish(session, models)
    refused = press(signed_in(Role.ADMIN), "models-promote", model_id)
    assert "cannot be promoted" in toasts(refused)[0]["text"]
    assert not trained_models.get(session, model_id).proven
    press(signed_in(Role.VIEWER), "models-promote", model_id)
    assert audit.page(session, audit.Wanted(action="access_denied"))


def test_a_version_that_passes_is_promoted_and_written_down(signed_in: SignIn, session: Session, models: Path) -> None:
    model = examined(session, publish_with(session, models, GOOD, sample(), 1))
    session.commit()
    client = signed_in(Role.ANALYST)
    assert "6 of 6 pass" in str(look(client).get_json())
    press(client, "models-promote", model.id)
    session.refresh(model)
    event = audit.page(session, audit.Wanted(action="champion_changed"))[0]
    assert model.proven and event.actor == "analyst@example.org"
    assert "serves as the proven champion" in str(look(client).get_json())


def test_a_rebuild_is_asked_for_followed_and_told(signed_in: SignIn, session: Session, models: Path) -> None:
    model_id, client = publish(session, models), signed_in(Role.ANALYST)
    press(client, "models-rebuild", model_id)
    (job,) = jobs.latest(session, name=REBUILD_MODEL.name)
    assert job.args == {"model_id": model_id}
    text = str(look(client).get_json())
    assert "Waiting for a training worker." in text and "Rebuild this version" not in text
    found = rebuilding.compare(CARD, CARD, old={}, new={}, created_ms=1)
    scorecards.keep_report(session, model_id, scorecards.REBUILD, "same", found.to_dict())
    session.commit()
    assert "the difference is 0" in str(look(client).get_json())
    assert press(client, "models-rebuild", "x").status_code != 200 or toasts(press(client, "models-rebuild", "x"))


def test_a_schedule_is_checked_saved_and_shown(signed_in: SignIn, session: Session, models: Path) -> None:
    publish(session, models)
    client = signed_in(Role.ANALYST)
    save(client, CARD.name, " 0  3 * * 0 ", True)
    plan = retraining.find(session, CARD.name)
    assert plan is not None and (plan.cron, plan.on_drift) == ("0 3 * * 0", True)
    assert audit.page(session, audit.Wanted(action="retraining_changed"))[0].object == CARD.name
    inputs = {
        "models-cron.value": "0 3 * * 0",
        "models-on-drift.value": True,
        "models-plan-family.data": CARD.name,
        "models-plan-save.n_clicks": 1,
    }
    text = str(fire(client, inputs, output="models-plan-hint").get_json())
    assert "Next training Sun" in text and "Also once after a demotion" in text and "Not saved" not in text
    changed = str(fire(client, inputs | {"models-cron.value": ""}, output="models-plan-hint").get_json())
    assert "Not saved yet" in changed
    wrong = str(fire(client, inputs | {"models-cron.value": "x"}, output="models-plan-hint").get_json())
    assert "is no schedule" in wrong


def test_a_schedule_that_rests_says_why(signed_in: SignIn, session: Session, models: Path) -> None:
    publish(session, models)
    retraining.put(session, CARD.name, cron="0 3 * * 0", on_drift=False, changed_by=None)
    session.commit()
    plan = retraining.find(session, CARD.name)
    assert plan is not None
    watching.note_asked(session, watching.Due(CARD.name, {}, "schedule", "Barriers lie too near."), "job")
    session.commit()
    inputs = {
        "models-cron.value": "0 3 * * 0",
        "models-on-drift.value": False,
        "models-plan-family.data": CARD.name,
        "models-plan-save.n_clicks": 1,
    }
    text = str(fire(signed_in(Role.VIEWER), inputs, output="models-plan-hint").get_json())
    assert "was refused, and the schedule rests. Barriers lie too near." in text


def test_the_history_of_a_version_is_told(signed_in: SignIn, session: Session, models: Path) -> None:
    model = trained_models.get(session, publish(session, models))
    registry.demote(session, model, "It drifted.", now=utc_now())
    session.commit()
    text = str(look(signed_in(Role.VIEWER)).get_json()["response"]["models-past"])
    for words in ("3 events", "Demoted to unproven", "It drifted.", "Serves, unproven", "Trained"):
        assert words in text


def test_nonsense_and_strangers_change_no_schedule(signed_in: SignIn, session: Session, models: Path) -> None:
    publish(session, models)
    save(signed_in(Role.ANALYST), CARD.name, "61 * * * *")
    save(signed_in(Role.ANALYST), "no-such-family", "* * * * *")
    save(signed_in(Role.VIEWER), CARD.name, "* * * * *")
    assert retraining.table(session) == []


def test_the_plan_of_the_family_is_filled_in(signed_in: SignIn, session: Session, models: Path) -> None:
    model_id = publish(session, models)
    retraining.put(session, CARD.name, cron="0 3 1 * *", on_drift=False, changed_by=None)
    session.commit()
    client = signed_in(Role.VIEWER)
    shown = fire(client, {"models-care-seen.data": [model_id]}, {"models-plan-family.data": None}, output="models-plan")
    answer = shown.get_json()["response"]
    assert answer["models-cron"] == {"value": "0 3 1 * *", "disabled": True}
    assert answer["models-plan"]["hidden"] is False
    again = fire(
        client, {"models-care-seen.data": [model_id]}, {"models-plan-family.data": CARD.name}, output="models-plan"
    )
    assert again.status_code == 204
