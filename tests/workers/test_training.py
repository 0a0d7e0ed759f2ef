"""A training job publishes one version or none, whatever happens to it, and leaves nothing lying about."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import core.settings
import db.engine
from core import market_name
from core.errors import Cancelled, LostClaim, NotEnoughData, NotFound, Refused
from core.job_queue import connect
from core.jobs import TRAIN_MODEL
from core.settings import Settings
from db.queries import candles, invariants, job_claims, jobs, markets, trained_models
from db.tables import Job
from ml import artefacts, build
from ml.build import Built
from ml.card import Card
from tests.candles import walk
from tests.ml import versions
from workers import engine, training, walk_forward
from workers.context import JobContext, Signals

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = "import sys, workers.engine; workers.engine.run(sys.argv[1])"
ARGS: dict[str, Any] = {"markets": ["demo:BTC/USDT", "demo:ETH/USDT"], "timeframe": "1h", "horizon": 3}
SMALL: dict[str, Any] = {"units": [8, 6, 4], "window": 16, "epochs": 60, "patience": 60}
PATIENCE = 300.0  # generous: a process that loads TensorFlow beside others may take its time


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    with db.engine.session() as session:
        for k, name in enumerate(ARGS["markets"]):
            market = markets.get_or_create(session, market_name.parse(name), simulated=True)
            candles.upsert(session, market.id, "1h", walk(1_000, seed=k))
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


def asked(**args: Any) -> str:
    with db.engine.session() as session:
        return jobs.create(session, TRAIN_MODEL, ARGS | args).id


def row(job_id: str) -> Job:
    with db.engine.session() as session:
        return jobs.get(session, job_id)


def models() -> list[trained_models.ModelRow]:
    with db.engine.session() as session:
        return trained_models.table(session)


def test_the_message_says_how_far_an_epoch_is() -> None:
    at = training.Progress(1, 1, 2, 60, [1.0, 1.0], [1.0, 1.1], 1, 1.0, 9.0, 0.04)
    assert training._message(at) == "Epoch 2 of 60"
    assert training._message(replace(at, share=0.431)) == "Epoch 3 of 60, 43%"
    assert training._message(replace(at, share=0.0, seed=2, seeds=5)) == "Seed 2 of 5, epoch 3 of 60, 0%"


def claimed(settings: Settings, job_id: str) -> JobContext:
    """A context as the engine makes it, without its heartbeat."""
    with db.engine.session() as session:
        job = job_claims.claim(session, job_id)
    assert job is not None
    return JobContext(settings, job.id, job.attempt, job.owner_id, Signals())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Built:
    """Stand in for the hours of training: a version with random weights."""
    config = versions.config()
    made = Built(versions.card(config, versions.prepared(config)), versions.files(config))
    monkeypatch.setattr(training, "_build", lambda *_: made)
    return made


def folders(settings: Settings) -> list[str]:
    return sorted(str(p.relative_to(settings.models)) for p in settings.models.glob("*/*"))


def test_a_training_publishes_version_files_and_card(settings: Settings, quick: Built) -> None:
    job_id = asked()
    engine.execute(job_id, settings)
    job, (model,) = row(job_id), models()
    assert job.state == "succeeded"
    assert job.result is not None
    assert "calls" not in job.result
    assert Card.from_dict(job.result).finding == quick.card.finding
    assert job.progress["fraction"] == 1
    assert (model.state, model.version) == ("champion", 1)
    with db.engine.session() as session:
        whole = trained_models.get(session, model.id)
        assert whole.job_id == job_id
        assert artefacts.load(settings.models, whole.folder, whole.manifest).model == quick.files["model.onnx"]
        assert len(invariants.champions(session)) == 1


def test_checkpoints_and_temporary_files_are_gone_afterwards(settings: Settings, quick: Built) -> None:
    engine.execute(asked(), settings)
    assert len(folders(settings)) == 1
    assert not list(settings.models.rglob("*.tmp"))


def test_a_job_that_was_taken_over_publishes_nothing(settings: Settings, quick: Built) -> None:
    """Its worker was thought dead and lives: the files it wrote go, the other attempt's stay."""
    job_id = asked()
    late = claimed(settings, job_id)
    with db.engine.session() as session:
        job_claims.release(session, job_id, late.attempt, reason="taken back")
    engine.execute(job_id, settings)
    with pytest.raises(LostClaim):
        training.train_model(late, **ARGS)
    assert [m.version for m in models()] == [1]
    assert [f.rpartition("-")[2] for f in folders(settings) if not f.startswith(walk_forward.WORK)] == ["2"]
    assert row(job_id).attempt == 2


def test_files_an_earlier_attempt_could_not_publish_are_cleared_away(settings: Settings, quick: Built) -> None:
    job_id = asked()
    family = versions.TrainingConfig(tuple(ARGS["markets"]), "1h", 3).family
    artefacts.save(settings.models, f"{family}/{job_id}-1", quick.files)
    half = settings.models / family / f".{job_id}-2.77.tmp"
    half.mkdir()
    old = settings.models / walk_forward.WORK / "job-that-ended"
    old.mkdir(parents=True)
    with db.engine.session() as session:
        jobs.get(session, job_id).attempt = 2
    engine.execute(job_id, settings)
    assert row(job_id).attempt == 3
    assert [f for f in folders(settings) if job_id in f] == [f"{family}/{job_id}-3"]
    assert not half.exists()
    assert not old.exists()


def test_all_attempts_read_candles_up_to_the_same_moment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def stop(_context: JobContext, _asked: object, frames: list[Any], _work: Path) -> Built:
        seen.append([len(f.candles) for f in frames])
        raise LostClaim("stopped here")

    monkeypatch.setattr(training, "_build", stop)
    now = training.utc_now()
    with db.engine.session() as session:
        market = markets.get(session, market_name.parse(ARGS["markets"][0]))
        step = 3_600_000
        start = training.to_ms(now) // step * step - 999 * step
        candles.upsert(session, market.id, "1h", walk(1_000, start_ms=start))
    context = claimed(settings, asked())
    for days in (0, 10):
        monkeypatch.setattr(training, "utc_now", lambda days=days: now + timedelta(days=days))
        with pytest.raises(LostClaim):
            training.train_model(context, **ARGS)
    assert seen[0] == seen[1]
    assert seen[0][0] == 1_999  # the candle that still forms is left out


@pytest.mark.parametrize(("epochs", "states"), [(1, ["retrying"] * 10), (0, ["retrying", "retrying", "failed"])])
def test_an_attempt_that_left_a_checkpoint_does_not_count_as_a_failed_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, epochs: int, states: list[str]
) -> None:
    class Killed(Exception):
        pass

    def killed_after(*_: Any, course: build.Course, **_more: Any) -> Built:
        for epoch in range(1, epochs + 1):
            course.on_kept()
            course.on_epoch(training.Progress(1, 1, epoch, 60, [1.0], [1.0], 1, 1.0, 9.0, 0.1), {"train": 1}, 1.1)
        raise Killed

    monkeypatch.setattr(build, "build", killed_after)
    job_id, seen = asked(), []
    for _ in states:
        context = claimed(settings, job_id)
        with pytest.raises(Killed):
            training.train_model(context, **ARGS)
        with db.engine.session() as session:
            job_claims.release(session, job_id, context.attempt, reason="the worker was killed")
        seen.append(row(job_id).state)
    assert seen == states


def test_too_few_candles_fail_in_words_and_leave_nothing(settings: Settings) -> None:
    context = claimed(settings, asked())
    with pytest.raises(NotEnoughData, match=r"holds 1,000 candles of 1h; training with a horizon of 200 needs"):
        training.train_model(context, **ARGS | {"horizon": 200})
    assert not (settings.models / walk_forward.WORK / context.job_id).exists()


def test_a_timeframe_that_is_not_stored_fails_in_words(settings: Settings) -> None:
    with pytest.raises(NotEnoughData, match="Import 5m candles"):
        training.train_model(claimed(settings, asked()), **ARGS | {"timeframe": "5m"})


def test_an_unknown_market_fails_in_words(settings: Settings) -> None:
    with pytest.raises(NotFound, match="no market demo:XRP/USDT"):
        training.train_model(claimed(settings, asked()), **ARGS | {"markets": ["demo:XRP/USDT"]})


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"seeds": 0}, {"markets": []}, {"timeframe": "2h"}])
def test_what_makes_no_sense_is_refused(settings: Settings, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        training.train_model(claimed(settings, asked()), **ARGS | wrong)


def test_a_cancelled_training_ends_and_leaves_no_checkpoint(settings: Settings) -> None:
    context = claimed(settings, asked())
    context.signals.cancelled.set()
    with pytest.raises(Cancelled):
        training.train_model(context, **ARGS)
    assert not (settings.models / walk_forward.WORK / context.job_id).exists()
    assert models() == []


def child(settings: Settings, job_id: str, log: Path) -> subprocess.Popen[bytes]:
    env = os.environ | {
        "BOLT_DATA": str(settings.bolt_data),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
    }
    with log.open("wb") as output:
        return subprocess.Popen([sys.executable, "-c", RUN, job_id], env=env, cwd=ROOT, stdout=output, stderr=output)


def first_epoch(job_id: str, process: subprocess.Popen[bytes], *, at_least: int, attempt: int) -> dict[str, Any]:
    """The first progress of an attempt that has come so far."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        job = row(job_id)
        if job.attempt == attempt and job.progress.get("epoch", 0) >= at_least:
            return dict(job.progress)
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"no epoch {at_least} was seen: {row(job_id).progress}")


def test_a_killed_training_goes_on_from_its_checkpoint_and_publishes_once(settings: Settings, tmp_path: Path) -> None:
    job_id = asked(**SMALL)
    victim = child(settings, job_id, tmp_path / "first.log")
    try:
        before = first_epoch(job_id, victim, at_least=2, attempt=1)
    finally:
        victim.kill()
        victim.wait()
    assert models() == []
    with db.engine.session() as session:
        job_claims.release(session, job_id, 1, reason="the worker was killed", delay=0)
    heir = child(settings, job_id, tmp_path / "second.log")
    after = first_epoch(job_id, heir, at_least=1, attempt=2)
    assert heir.wait(PATIENCE) == 0, (tmp_path / "second.log").read_text()[-2_000:]
    assert after["epoch"] > before["epoch"] - 1
    assert after["losses"][: before["epoch"]] == before["losses"]
    job, (model,) = row(job_id), models()
    assert (job.state, job.attempt, model.version) == ("succeeded", 2, 1)
    card = Card.from_dict(model.card)
    assert [round(v, 5) for v in card.runs[0].losses][: before["epoch"]] == before["losses"]
    assert card.network["units"] == SMALL["units"]
    assert before["windows"]["train"] == card.split.train.windows
    assert before["baseline_loss"] == pytest.approx(card.climatology_val_loss, abs=1e-5)
    assert {"eta_s", "best_epoch", "seed", "seeds", "epochs", "val_losses", "stage"} <= set(before)
    assert len(folders(settings)) == 1
    with db.engine.session() as session:
        whole = trained_models.get(session, model.id)
        artefacts.load(settings.models, whole.folder, whole.manifest)
