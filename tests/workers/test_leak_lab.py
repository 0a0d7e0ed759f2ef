"""An examination keeps its report with the version and marks its card."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import core.settings
import db.engine
from core import market_name
from core.errors import NotEnoughData, NotFound
from core.job_queue import connect
from core.jobs import LEAK_LAB
from core.settings import Settings
from dashapp.cli.main import main
from db.queries import candles, jobs, leak_reports, markets, trained_models
from db.tables import TrainedModel
from ml import artefacts, dataset, leak_examination, registry
from ml.leak_report import Report
from tests.candles import walk
from tests.ml import versions
from workers import engine

ASKED = versions.config()
DATA = versions.prepared(ASKED)
NAME = market_name.parse("demo:BTC/USDT")


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    with db.engine.session() as session:
        market = markets.get_or_create(session, NAME, simulated=True)
        candles.upsert(session, market.id, "1h", walk(1_500, seed=1))
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


def publish(settings: Settings, *, k: float = DATA.k) -> TrainedModel:
    """A version whose scaler and barrier are the ones of its train rows, but for `k`."""
    files = versions.files(ASKED) | {
        artefacts.SCALER: DATA.scaler.to_json().encode(),
        artefacts.CONFIG: json.dumps({"training": ASKED.to_dict(), "k": k}).encode(),
    }
    manifest = artefacts.save(settings.models, f"{ASKED.family}/job-1", files)
    with db.engine.session() as session:
        card = versions.card(ASKED, DATA)
        return registry.record(session, card, ASKED, manifest=manifest, folder=f"{ASKED.family}/job-1")


def examined(settings: Settings, model_id: int) -> str:
    with db.engine.session() as session:
        job_id = jobs.create(session, LEAK_LAB, {"model_id": model_id}).id
    engine.execute(job_id, settings)
    with db.engine.session() as session:
        job = jobs.get(session, job_id)
        assert leak_reports.newest_job(session, model_id) is not None
    return job.state


def test_a_clean_version_is_marked_green(settings: Settings, session: Session) -> None:
    model = publish(settings)
    assert examined(settings, model.id) == "succeeded"
    kept = leak_reports.find(session, model.id)
    assert kept is not None
    assert kept.green
    report = Report.from_dict(kept.report)
    assert report.note == ""
    assert [c.key for c in report.checks if c.key == "files"] == ["files"]
    card = trained_models.get(session, model.id).card
    assert card["leak_lab"] == "green"
    assert "Leak lab: green." in card["reasons"]
    assert not any("not run" in line for line in card["reasons"])


def test_a_version_whose_barrier_is_not_of_its_train_rows_is_red(settings: Settings, session: Session) -> None:
    model = publish(settings, k=DATA.k + 0.05)
    examined(settings, model.id)
    card = trained_models.get(session, model.id).card
    assert card["leak_lab"] == "red"
    kept = leak_reports.find(session, model.id)
    assert kept is not None
    assert [c.key for c in Report.from_dict(kept.report).alarms] == ["files"]


def test_candles_that_came_later_are_left_out(settings: Settings, session: Session) -> None:
    model = publish(settings)
    market = markets.get(session, NAME)
    candles.upsert(session, market.id, "1h", walk(1_800, seed=1))
    session.commit()
    examined(settings, model.id)
    kept = leak_reports.find(session, model.id)
    assert kept is not None
    assert (kept.report["candles"], kept.report["note"]) == (1_500, "")


def test_changed_candles_are_said_and_files_not_compared(settings: Settings, session: Session) -> None:
    model = publish(settings)
    market = markets.get(session, NAME)
    candles.upsert(session, market.id, "1h", walk(1_500, seed=2))
    session.commit()
    report = leak_examination.examine(
        db.engine.session, model.id, models=settings.models, now_ms=1, on_check=lambda *_: None
    )
    assert "have changed" in report.note
    assert "files" not in [c.key for c in report.checks]


def test_a_version_without_its_candles_cannot_be_examined(settings: Settings, session: Session) -> None:
    model = publish(settings)
    model = session.merge(model)
    spans = [span | {"first_ms": 1, "last_ms": 3_600_001} for span in model.card["data"]]
    model.card = model.card | {"data": spans}
    session.commit()
    with pytest.raises(NotEnoughData):
        leak_examination.examine(
            db.engine.session, model.id, models=settings.models, now_ms=1, on_check=lambda *_: None
        )
    assert examined(settings, model.id) == "failed"


def test_a_second_report_takes_the_place_of_the_first(settings: Settings, session: Session) -> None:
    model = publish(settings)
    report = Report([], "logistic regression", 1, 1)
    leak_reports.store(session, model.id, report.to_dict(), green=False)
    leak_reports.store(session, model.id, report.to_dict(), green=True)
    kept = leak_reports.find(session, model.id)
    assert kept is not None
    assert kept.green


def test_a_version_is_named_in_three_ways(settings: Settings, session: Session) -> None:
    model = publish(settings)
    for text in (f"{model.name} v1", f"{model.name}@1", f"{model.name}@v1", str(model.id)):
        assert trained_models.named(session, text).id == model.id
    for text in ("", "nothing", f"{model.name} v2", f"{model.name}@", "999999"):
        with pytest.raises(NotFound):
            trained_models.named(session, text)


def test_the_command_prints_the_report(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = publish(settings)
    for name, value in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOLT_DATA", str(settings.bolt_data))
    monkeypatch.setenv("SECRET_KEY", "k" * 64)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["leak-lab", model.name, "v1", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main(["leak-lab", f"{model.name}@1"]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (found["model"], found["leak_lab"]) == (f"{model.name} v1", "green")
    assert (len(found["checks"]), found["folds"]) == (11, 1)
    said = capsys.readouterr().out
    assert "pass  Features use only closed candles: 10 of 10." in said


def test_what_is_examined_is_what_was_trained(settings: Settings) -> None:
    """The lab prepares the rows anew: they are the ones the version learned from."""
    again = dataset.prepare([dataset.Frame(str(NAME), True, walk(1_500, seed=1))], ASKED)
    assert np.array_equal(again.table, DATA.table, equal_nan=True)
