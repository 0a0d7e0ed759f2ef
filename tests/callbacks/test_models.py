"""Start, follow and cancel trainings; read versions."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.errors import Refused
from core.jobs import TRAIN_MODEL, JobState
from core.market_name import make
from core.roles import Role
from db.queries import audit, candles, job_claims, jobs, markets
from db.tables import Job
from tests.candles import walk
from tests.fire import fire, toasts, wired
from tests.ml import versions
from tests.web import SignIn, dash_headers

NOW = datetime(2026, 11, 23, 18, 50, tzinfo=UTC)
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
LOOK = {"theme": "dark", "updown": "teal-vermillion"}


def store(session: Session, exchange: str = "demo") -> None:
    market = markets.get_or_create(session, make(exchange, "BTC/USDT"), simulated=exchange == "demo")
    candles.upsert(session, market.id, "5m", walk(50, "5m"))
    session.commit()


def ask(client: FlaskClient, **more: Any) -> Any:
    form = {"markets": ["demo:BTC/USDT"], "timeframe": "5m", "horizon": 12, "epochs": 2, "seeds": 1} | more
    state = {f"models-{word}.value": value for word, value in form.items()}
    return fire(client, {"models-start.n_clicks": 1}, state, output="models-start.n_clicks")


def look(client: FlaskClient, search: str = "", seen: Any = None) -> Any:
    inputs = {"models-tick.n_intervals": 1, "_pages_location.search": search, "shell-look.data": LOOK}
    return fire(client, inputs, {"models-seen.data": seen})


def running(session: Session, owner_id: int | None, **progress: Any) -> Job:
    args = {"markets": ["demo:BTC/USDT"], "timeframe": "5m", "horizon": 12, "epochs": 2, "seeds": 1}
    job = jobs.create(session, TRAIN_MODEL, args, owner_id=owner_id)
    session.commit()
    claimed = job_claims.claim(session, job.id)
    assert claimed is not None
    job_claims.beat(session, job.id, claimed.attempt, progress)
    session.commit()
    return claimed


def cancel(client: FlaskClient, job_id: str) -> Any:
    one = next(w for w in wired(client) if "models-cancel" in w["output"])
    index = json.dumps({"index": job_id, "type": "models-cancel"}, separators=(",", ":"))
    part = {"id": {"index": job_id, "type": "models-cancel"}, "property": "n_clicks", "value": 1}
    body = {
        "output": one["output"],
        "outputs": [{"id": {"index": job_id, "type": "models-cancel"}, "property": "disabled"}],
        "inputs": [[part]],
        "state": [],
        "changedPropIds": [f"{index}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body, headers=dash_headers(client))


def test_an_analyst_starts_a_training(signed_in: SignIn, session: Session) -> None:
    answer = ask(signed_in(Role.ANALYST))
    (job,) = jobs.latest(session, name=TRAIN_MODEL.name)
    assert job.state == JobState.QUEUED
    assert job.args == {"markets": ["demo:BTC/USDT"], "timeframe": "5m", "horizon": 12, "epochs": 2, "seeds": 1}
    assert toasts(answer)[0]["title"] == "Training asked for"
    assert audit.page(session, audit.Wanted(action="training_asked"))[0].object == f"job {job.id}"


def test_s37_absurd_numbers_start_nothing_and_fill_no_memory(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    for more in ({"seeds": 2_000_000_000}, {"seeds": 10**30}, {"epochs": 10**30}, {"horizon": -1}, {"markets": 7}):
        assert toasts(ask(client, **more))[0]["title"] == Refused.title, more
    assert jobs.latest(session, name=TRAIN_MODEL.name) == []


def test_the_same_training_asked_twice_is_one_job(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    ask(client)
    ask(client)
    assert len(jobs.latest(session, name=TRAIN_MODEL.name)) == 1


def test_a_viewer_cannot_start_a_training(signed_in: SignIn, session: Session) -> None:
    answer = ask(signed_in(Role.VIEWER))
    assert jobs.latest(session, name=TRAIN_MODEL.name) == []
    assert "role" in toasts(answer)[0]["text"]


def test_nonsense_is_refused_with_a_sentence(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    for bad in ({"horizon": None}, {"markets": []}, {"epochs": 0}, {"horizon": 9_999}, {"markets": ["nonsense"]}):
        assert toasts(ask(client, **bad))[0]["kind"] == "bad", bad
    assert jobs.latest(session, name=TRAIN_MODEL.name) == []


def hint(client: FlaskClient, market: str, timeframe: str) -> str:
    form = {"markets": [market], "timeframe": timeframe, "horizon": 12, "epochs": 2, "seeds": 1}
    answer = fire(client, {f"models-{word}.value": value for word, value in form.items()}, output="models-hint")
    return str(answer.get_json()["response"]["models-hint"]["children"])


def test_the_form_says_what_is_missing_before_it_is_asked_for(signed_in: SignIn, session: Session) -> None:
    store(session)
    client = signed_in(Role.ANALYST)
    told = hint(client, "demo:BTC/USDT", "5m")
    assert "needs at least 1,004 candles of 5m; stored: BTC/USDT has 50. Choose a shorter" in told
    assert "stored: BTC/USDT has 4." in hint(client, "demo:BTC/USDT", "1h"), "1h is built from 5m"
    assert "demo:BTC/USDT: no candles of 1m" in hint(client, "demo:BTC/USDT", "1m")
    assert "kraken:BTC/USDT: no candles" in hint(client, "kraken:BTC/USDT", "1h")


def test_a_viewer_is_offered_no_button(signed_in: SignIn, session: Session) -> None:
    store(session)
    place = {"_pages_location.pathname": "/models"}
    hidden = fire(signed_in(Role.VIEWER), place, output="models-actions").get_json()["response"]
    assert hidden["models-actions"]["children"] is None
    assert hidden["models-markets"]["options"] == []


def test_first_training_offered_on_a_demo_machine_has_barriers_beyond_its_costs(
    signed_in: SignIn, session: Session
) -> None:
    store(session)
    offered = fire(signed_in(Role.ANALYST), {"_pages_location.pathname": "/models"}, output="models-actions")
    got = offered.get_json()["response"]
    assert got["models-timeframe"]["value"] == "5m"
    assert got["models-horizon"]["value"] == 48  # twelve bars of 5m lie 0.3 % away in demo BTC, costs are 0.2 %
    assert got["models-markets"]["value"] == ["demo:BTC/USDT"]


def test_real_markets_are_offered_before_simulated_ones(signed_in: SignIn, session: Session) -> None:
    store(session)
    store(session, "binance")
    offered = fire(signed_in(Role.ANALYST), {"_pages_location.pathname": "/models"}, output="models-actions")
    assert offered.get_json()["response"]["models-markets"]["value"] == ["binance:BTC/USDT"]


@pytest.mark.parametrize(
    ("stored", "chosen"),
    [
        ({"1m": 2_000, "5m": 2_000, "1h": 10}, ("1h", 24)),
        ({"1m": 100, "5m": 2_000, "15m": 2_000}, ("5m", 24)),
        ({"1m": 100, "4h": 200}, ("4h", 24)),
    ],
)
def test_the_form_begins_with_a_timeframe_that_can_be_trained(
    signed_in: SignIn, session: Session, stored: dict[str, int], chosen: tuple[str, int]
) -> None:
    market = markets.get_or_create(session, make("binance", "BTC/USDT"))
    for timeframe, rows in stored.items():
        candles.upsert(session, market.id, timeframe, walk(rows, timeframe))
    session.commit()
    got = fire(signed_in(Role.ANALYST), {"_pages_location.pathname": "/models"}, output="models-actions")
    values = got.get_json()["response"]
    assert (values["models-timeframe"]["value"], values["models-horizon"]["value"]) == chosen


def test_an_empty_page_says_what_to_do(signed_in: SignIn, session: Session) -> None:
    text = str(look(signed_in(Role.ANALYST)).get_json())
    assert "No model has been trained yet" in text
    assert "Train the first version" in text
    assert "Train the first version" not in str(look(signed_in(Role.VIEWER)).get_json())


def test_nothing_is_drawn_again_while_nothing_changes(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    seen = look(client).get_json()["response"]["models-seen"]["data"]
    assert look(client, seen=seen).status_code == 204


def test_the_first_training_takes_the_place_of_the_invitation(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    seen = look(client).get_json()["response"]["models-seen"]["data"]
    running(session, None, fraction=0.1, message="Loading TensorFlow")
    drawn = str(look(client, seen=seen).get_json()["response"]["models-headline"])
    assert "The first version is being trained." in drawn and "Train the first version" not in drawn


def test_a_running_training_moves_without_drawing_the_rest(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    job = running(session, None, fraction=0.1, message="Loading TensorFlow")
    seen = look(client).get_json()["response"]["models-seen"]["data"]
    job_claims.beat(session, job.id, job.attempt, {"fraction": 0.2, "message": "Epoch 1 of 2"})
    session.commit()
    update = look(client, seen=seen).get_json()["response"]
    assert "Epoch 1 of 2" in str(update["models-running"])
    assert "models-versions" not in update


def test_a_version_is_drawn_with_its_finding_and_card(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    made = versions.publish(session, tmp_path, CARD, ASKED)
    session.commit()
    text = str(look(signed_in(Role.VIEWER), f"?version={made.id}").get_json())
    assert CARD.finding in text
    assert "Model card, v1" in text
    assert "Champion, unproven" in text


def test_an_address_with_nonsense_shows_the_newest_version(signed_in: SignIn, session: Session, tmp_path: Path) -> None:
    versions.publish(session, tmp_path, CARD, ASKED)
    session.commit()
    for search in ("?version=x", "?version=99999999", "?version=" + "9" * 40):
        assert "Model card, v1" in str(look(signed_in(Role.VIEWER), search).get_json())


def test_the_person_who_started_it_cancels_a_training(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    ask(client)
    (job,) = jobs.latest(session, name=TRAIN_MODEL.name)
    assert cancel(client, job.id).status_code == 200
    session.refresh(job)
    assert job.state == JobState.CANCELLED
    assert audit.page(session, audit.Wanted(action="job_cancelled"))[0].object == f"job {job.id}"


def test_others_cannot_cancel_a_training_of_the_system(signed_in: SignIn, session: Session) -> None:
    job = running(session, None)
    assert toasts(cancel(signed_in(Role.ANALYST), job.id))[0]["kind"] == "bad"
    assert toasts(cancel(signed_in(Role.VIEWER), job.id))[0]["kind"] == "bad"
    session.refresh(job)
    assert not job.cancel_requested
    assert cancel(signed_in(Role.ADMIN), job.id).status_code == 200
    session.refresh(job)
    assert job.cancel_requested
