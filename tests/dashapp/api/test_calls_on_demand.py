"""R28 and calls asked for over the API: made by a worker, written once, refused with a reason."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

import core.settings
from core.clock import from_ms, to_ms, utc_now
from core.jobs import PREDICT_ONE
from core.market_name import MarketName
from core.roles import Role
from core.timeframe import parse
from dashapp.api import calls_on_demand
from db.queries import candles, jobs, markets
from db.tables import AuditEvent, Job, Prediction
from ml import artefacts, registry, serving
from tests.api import is_problem
from tests.candles import walk
from tests.ml import versions
from workers import engine

HOUR = parse("1h")
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
BTC = MarketName("demo", "BTC/USDT")
PATH = "/predictions/BTC-USDT?timeframe=1h"
KEY = {"Idempotency-Key": "call-2024-05-01"}


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture
def market(session: Session, now: datetime) -> int:
    """A demo market up to the last closed candle."""
    found = markets.get_or_create(session, BTC, simulated=True)
    candles.upsert(session, found.id, "1h", walk(400, start_ms=HOUR.last_closed(to_ms(now)) - 399 * HOUR.ms))
    session.commit()
    return found.id


@pytest.fixture
def worker(app, settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Does every job at once, as a worker does; the folder of its models."""
    monkeypatch.setattr(serving, "_faults", {})
    engine.signals.stopping.clear()
    places = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "BOLT_DATA": str(tmp_path)}
    desk, submit = core.settings.read(places), jobs.submit

    def work(*args: object, **more: object) -> str:
        job_id = submit(*args, **more)
        engine.execute(job_id, desk)
        return job_id

    monkeypatch.setattr(calls_on_demand.jobs, "submit", work)
    return desk.models


def publish(session: Session, models: Path, gain: float, *, seed: int = 1, **changed: object) -> int:
    """A version whose scaler says what `changed` says, with hashes that match."""
    files = versions.files(ASKED, seed=seed)
    files[artefacts.SCALER] = json.dumps(json.loads(files[artefacts.SCALER]) | changed).encode()
    folder = f"{ASKED.family}/job-{seed}"
    manifest = artefacts.save(models, folder, files)
    made = registry.record(session, versions.with_gain(CARD, gain), ASKED, manifest=manifest, folder=folder)
    session.commit()
    return made.id


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_an_analyst_asks_for_a_call_and_it_is_written_once(
    api, session: Session, worker: Path, market: int, now: datetime
) -> None:
    made = publish(session, worker, 0.01)
    ask = api(Role.ANALYST)
    first = ask("POST", PATH, headers=KEY)
    assert first.status_code == 200, first.text
    said = first.get_json()
    assert (said["written"], said["note"], said["call"]["model_id"]) == (True, None, made)
    assert said["call"]["open_time"] == from_ms(HOUR.last_closed(to_ms(now))).isoformat().replace("+00:00", "Z")
    assert ask("GET", "/predictions/BTC-USDT").get_json()["items"] == [said["call"]]
    again = ask("POST", PATH).get_json()
    assert (again["written"], again["call"]) == (False, said["call"])
    replayed = ask("POST", PATH, headers=KEY)
    assert (replayed.get_json(), replayed.headers["Idempotency-Replayed"]) == (said, "true")
    assert is_problem(ask("POST", PATH.replace("1h", "4h"), headers=KEY), 422)  # another request
    assert (count(session, Prediction), count(session, Job)) == (1, 1)
    noted = select(AuditEvent.actor, AuditEvent.object).where(AuditEvent.action == "call_asked")
    assert [tuple(row) for row in session.execute(noted)] == [("analyst@example.org", f"{BTC} 1h")] * 2


@pytest.mark.parametrize(
    "changed", [{"deviation": [0.0] * 10}, {"mean": [float("nan")] * 10}, {"names": ["x"] * 10}, {"mean": [0.0] * 9}]
)
def test_r28_a_call_no_version_can_make_is_503_model_unavailable(
    api, session: Session, worker: Path, market: int, changed: dict
) -> None:
    publish(session, worker, 0.01, **changed)
    answer = api(Role.ANALYST)("POST", PATH, headers=KEY)
    assert is_problem(answer, 503)
    assert answer.get_json()["code"] == "model_unavailable"
    assert "Train it again" in answer.get_json()["detail"]
    assert int(answer.headers["Retry-After"]) == 60
    assert "NaN" not in answer.text
    assert count(session, Prediction) == 0
    assert api()("POST", PATH, headers=KEY).headers.get("Idempotency-Replayed") is None  # a failure is not kept


def test_r28_the_version_before_answers_and_says_so(api, session: Session, worker: Path, market: int) -> None:
    old = publish(session, worker, 0.01, seed=1)
    publish(session, worker, 0.02, seed=2, deviation=[0.0] * 10)
    answer = api(Role.ANALYST)("POST", PATH)
    assert answer.status_code == 200
    said = answer.get_json()
    assert (said["call"]["model_id"], said["call"]["version"], said["written"]) == (old, 1, True)
    assert said["note"].startswith(f"v1 made this call, because {ASKED.family} v2: The model's files do not fit")


def test_r28_a_file_cut_short_is_503_and_the_other_version_is_used_once_there_is_one(
    api, session: Session, worker: Path, market: int
) -> None:
    publish(session, worker, 0.01, seed=1)
    path = worker / ASKED.family / "job-1" / artefacts.MODEL
    path.write_bytes(path.read_bytes()[:-9])
    ask = api(Role.ANALYST)
    assert ask("POST", PATH).get_json()["code"] == "model_unavailable"
    good = publish(session, worker, 0.005, seed=2)
    assert ask("POST", PATH).get_json()["call"]["model_id"] == good


def test_without_a_model_or_on_stale_candles_no_worker_is_asked(
    api, session: Session, worker: Path, now: datetime
) -> None:
    found = markets.get_or_create(session, BTC, simulated=True)
    candles.upsert(session, found.id, "1h", walk(400, start_ms=HOUR.last_closed(to_ms(now)) - 500 * HOUR.ms))
    session.commit()
    ask = api(Role.ANALYST)
    refused = ask("POST", PATH)
    assert is_problem(refused, 422)
    assert refused.get_json()["code"] == "refused"
    assert "No model calls demo:BTC/USDT" in refused.get_json()["detail"]
    publish(session, worker, 0.01)
    stale = ask("POST", PATH)
    assert is_problem(stale, 422)
    assert stale.get_json()["code"] == "series_ended"
    assert is_problem(ask("POST", "/predictions/NO-SUCH"), 404)
    assert is_problem(ask("POST", PATH.replace("1h", "7h")), 422)
    assert count(session, Job) == 0


def test_a_hole_in_the_window_is_refused_by_the_worker(
    api, session: Session, worker: Path, market: int, now: datetime
) -> None:
    publish(session, worker, 0.01)
    hole = from_ms(HOUR.last_closed(to_ms(now)) - 30 * HOUR.ms)
    session.execute(text("DELETE FROM candles WHERE open_time = :t AND market_id = :m"), {"t": hole, "m": market})
    session.commit()
    answer = api(Role.ANALYST)("POST", PATH)
    assert is_problem(answer, 422)
    assert (answer.get_json()["code"], "hole" in answer.get_json()["detail"]) == ("refused", True)
    assert count(session, Prediction) == 0


def test_without_a_worker_in_time_the_answer_is_the_job(
    api, session: Session, tmp_path: Path, market: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_on_demand, "WAIT", 0.0)
    publish(session, tmp_path, 0.01)
    ask = api(Role.ANALYST)
    answer = ask("POST", PATH, headers=KEY)
    assert answer.status_code == 202
    job = answer.get_json()
    assert (job["name"], job["state"]) == (PREDICT_ONE.name, "queued")
    assert answer.headers["Location"] == f"/api/jobs/{job['id']}"
    assert ask("GET", f"/jobs/{job['id']}").get_json() == job
    assert ask("POST", PATH, headers=KEY).headers["Location"] == answer.headers["Location"]
    assert ask("POST", PATH).get_json()["id"] == job["id"]  # one open job does for all who ask


def test_a_job_that_failed_or_was_cancelled_is_503(
    api, session: Session, tmp_path: Path, market: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(session, tmp_path, 0.01)
    submit = jobs.submit

    def cancelled(*args: object, **more: object) -> str:
        job_id = submit(*args, **more)
        jobs.request_cancel(session, job_id)
        session.commit()
        return job_id

    monkeypatch.setattr(calls_on_demand.jobs, "submit", cancelled)
    answer = api(Role.ANALYST)("POST", PATH)
    assert is_problem(answer, 503)
    assert "Retry-After" in answer.headers


def test_viewers_and_tokens_that_read_may_not_ask(api, session: Session) -> None:
    assert is_problem(api(Role.VIEWER)("POST", PATH), 403)
