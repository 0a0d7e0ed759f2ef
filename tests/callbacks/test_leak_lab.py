"""The leak report of the version that is shown, and the button that runs the lab."""

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.jobs import LEAK_LAB, JobState
from core.roles import Role
from db.queries import audit, job_claims, jobs, leak_reports
from ml.leak_report import Check, Report
from tests.fire import fire, toasts, wired
from tests.ml import versions
from tests.web import SignIn, dash_headers

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
FINE = Check("features", "Features use only closed candles", True, "10 of 10")
BAD = Check("split", "No row reaches into another segment", False, "1 bars apart", "The embargo is 25.")


def look(client: FlaskClient, search: str = "", seen: Any = None) -> Any:
    inputs = {"models-tick.n_intervals": 1, "_pages_location.search": search}
    return fire(client, inputs, {"models-leaks-seen.data": seen}, output="models-leaks-seen")


def examine(client: FlaskClient, model_id: Any) -> Any:
    one = next(w for w in wired(client) if "models-examine" in w["output"])
    name = {"index": model_id, "type": "models-examine"}
    body = {
        "output": one["output"],
        "outputs": [{"id": name, "property": "disabled"}],
        "inputs": [[{"id": name, "property": "n_clicks", "value": 1}]],
        "state": [],
        "changedPropIds": [f"{json.dumps(name, separators=(',', ':'))}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body, headers=dash_headers(client))


def publish(session: Session, folder: Path, seed: int = 1) -> int:
    made = versions.publish(session, folder, CARD, ASKED, seed=seed).id
    session.commit()
    return made


def keep(session: Session, model_id: int, *checks: Check) -> None:
    report = Report(list(checks), "logistic regression", 1_500, 1_389)
    leak_reports.store(session, model_id, report.to_dict(), green=report.green)
    session.commit()


def test_without_a_version_nothing_is_drawn(signed_in: SignIn) -> None:
    assert look(signed_in(Role.VIEWER)).status_code == 204


def test_a_version_that_was_not_examined_says_so(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    publish(session, tmp_path)
    text = str(look(signed_in(Role.ANALYST)).get_json())
    assert "Not run" in text
    assert "Run the leak lab" in text
    seen_by_others = str(look(signed_in(Role.VIEWER)).get_json())
    assert "Run the leak lab" not in seen_by_others
    assert "An analyst of this desk can run it" in seen_by_others


def test_each_check_has_its_line(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    model_id = publish(session, tmp_path)
    keep(session, model_id, FINE, BAD)
    text = str(look(signed_in(Role.VIEWER)).get_json())
    for words in (FINE.title, FINE.value, BAD.title, BAD.detail, "1 alarm", "logistic regression"):
        assert words in text
    keep(session, model_id, FINE)
    assert "Green" in str(look(signed_in(Role.VIEWER)).get_json())


def test_the_version_in_the_address_is_the_one_reported(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    first, second = publish(session, tmp_path), publish(session, tmp_path, seed=2)
    keep(session, first, FINE)
    client = signed_in(Role.VIEWER)
    assert "Green" in str(look(client, f"?version={first}").get_json())
    for search in ("", f"?version={second}", "?version=x", "?version=99999999"):
        assert "Not run" in str(look(client, search).get_json())


def test_nothing_is_drawn_twice(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    publish(session, tmp_path)
    client = signed_in(Role.ANALYST)
    seen = look(client).get_json()["response"]["models-leaks-seen"]["data"]
    assert look(client, seen=seen).status_code == 204


def test_an_analyst_runs_the_lab_and_sees_it_move(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    model_id = publish(session, tmp_path)
    client = signed_in(Role.ANALYST)
    assert toasts(examine(client, model_id))[0]["title"] == "Examination asked for"
    examine(client, model_id)
    (job,) = jobs.latest(session, name=LEAK_LAB.name)
    assert (job.state, job.args) == (JobState.QUEUED, {"model_id": model_id})
    assert "leak_lab_asked" in audit.actions(session)
    assert "Waiting for a training worker" in str(look(client).get_json())
    claimed = job_claims.claim(session, job.id)
    assert claimed is not None
    job_claims.beat(session, job.id, 1, {"fraction": 0.4, "message": "Learning from a random walk"})
    session.commit()
    text = str(look(client).get_json())
    assert "Learning from a random walk" in text
    assert "'aria-valuenow': '40'" in text
    assert "models-examine" not in text


def test_a_failed_examination_says_why(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    model_id = publish(session, tmp_path)
    job = jobs.create(session, LEAK_LAB, {"model_id": model_id})
    claimed = job_claims.claim(session, job.id)
    assert claimed is not None
    job_claims.fail(session, job.id, claimed.attempt, reason="The candles are gone.")
    session.commit()
    text = str(look(signed_in(Role.ANALYST)).get_json())
    assert "The candles are gone." in text
    assert "Run the leak lab" in text


def test_a_viewer_cannot_run_the_lab(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    model_id = publish(session, tmp_path)
    assert toasts(examine(signed_in(Role.VIEWER), model_id))[0]["kind"] == "bad"
    assert jobs.latest(session, name=LEAK_LAB.name) == []


def test_a_version_there_is_not_cannot_be_examined(signed_in: SignIn, session: Session) -> None:
    for nonsense in (999_999, "x"):
        assert toasts(examine(signed_in(Role.ANALYST), nonsense))[0]["kind"] == "bad"
    assert jobs.latest(session, name=LEAK_LAB.name) == []
