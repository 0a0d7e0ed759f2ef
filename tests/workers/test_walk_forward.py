"""A walk-forward is many jobs and one version, whoever trains its parts and whatever is killed meanwhile."""

import io
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, text

import core.settings
import db.engine
from core import market_name
from core.errors import Cancelled, Refused
from core.job_queue import connect
from core.jobs import TRAIN_FOLD, TRAIN_MODEL, JobState
from core.settings import Settings
from db.queries import candles, job_claims, jobs, leak_reports, markets, trained_models, training_runs
from db.queries.training_runs import PartRow
from ml import artefacts, regimes
from ml.card import Card
from ml.config import TrainingConfig
from ml.parts import Key
from tests.candles import walk
from tests.workers.test_training import child, claimed, models, row
from workers import engine, run_progress, training, walk_forward
from workers.context import JobContext, Signals

MARKET = "demo:BTC/USDT"
ASKED: dict[str, Any] = {
    "markets": [MARKET],
    "timeframe": "1h",
    "horizon": 3,
    "epochs": 2,
    "seeds": 2,
    "scheme": "rolling",
    "folds": 2,
    "train_days": 30,
    "stride": 1,
    "units": [4],
    "window": 8,
    "patience": 4,
}
PARTS = 5  # two folds of two seeds, and the one on shuffled labels


@pytest.fixture
def settings(database: Engine, redis_url: str, tmp_path: Path) -> Settings:
    engine.signals.stopping.clear()
    connect(redis_url)
    url = database.url.render_as_string(hide_password=False)
    with db.engine.session() as session:
        market = markets.get_or_create(session, market_name.parse(MARKET), simulated=True)
        candles.upsert(session, market.id, "1h", walk(1_400))
    return core.settings.read({"BOLT_DATA": str(tmp_path), "DATABASE_URL": url, "REDIS_URL": redis_url})


def asked(**args: Any) -> str:
    with db.engine.session() as session:
        return jobs.create(session, TRAIN_MODEL, ASKED | args).id


def parts(run_id: str) -> list[PartRow]:
    with db.engine.session() as session:
        return training_runs.parts(session, run_id)


def begun(settings: Settings) -> JobContext:
    """A run whose parts stand in the database, none of them trained."""
    context = claimed(settings, asked())
    work = walk_forward.folder(settings.models, context.job_id)
    config = TrainingConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in ASKED.items()} | {"seeds": (1, 2)})
    walk_forward._begin(context, config, work, lambda: training._read(context, config, work), 0)
    return context


def wait_for(there: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 300
    while not there():
        assert process.poll() is None, "the process ended before"
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.timeout(600)
def test_a_killed_run_goes_on_and_publishes_one_version(settings: Settings, tmp_path: Path) -> None:
    job_id = asked()
    victim = child(settings, job_id, tmp_path / "first.log")
    try:
        wait_for(lambda: any(p.state == "done" for p in parts(job_id)), victim)
    finally:
        victim.kill()
        victim.wait()
    done = {Key.of(p): p.metrics["seconds"] for p in parts(job_id) if p.state == "done"}
    assert models() == []
    with db.engine.session() as session:
        job_claims.release(session, job_id, 1, reason="the worker was killed")
        session.execute(text("UPDATE jobs SET heartbeat_at = now() - interval '2 minutes' WHERE state = 'running'"))
    heir = child(settings, job_id, tmp_path / "second.log")
    wait_for(lambda: row(job_id).attempt == 2 and "parts" in row(job_id).progress, heir)
    told = row(job_id).progress
    assert {"eta_s", "message", "fraction"} <= set(told)
    assert len(told["parts"]) == PARTS
    seen = dict(done)
    while heir.poll() is None:
        seen |= {Key.of(p): p.metrics["seconds"] for p in parts(job_id) if p.state == "done"}
        time.sleep(0.2)
    assert heir.wait(300) == 0, (tmp_path / "second.log").read_text()[-3_000:]
    job, (model,) = row(job_id), models()
    assert (job.state, job.attempt, model.version) == (JobState.SUCCEEDED, 2, 1)
    assert {key: p for key, p in seen.items() if key in done} == done  # what was done is not done again
    assert [p.state for p in parts(job_id)] == ["done"] * PARTS
    assert not walk_forward.folder(settings.models, job_id).exists()
    card = Card.from_dict(model.card)
    told_whole(card)
    with db.engine.session() as session:
        report = leak_reports.find(session, model.id)
        assert report is not None
        assert report.green is (card.leak_lab == "green")
        whole = training_runs.get(session, job_id)
        assert whole.config["folds"] == 2
    files_are_whole(settings, card)


def told_whole(card: Card) -> None:
    """Everything the issue asks of a card of a walk-forward."""
    assert card.walk is not None
    assert [fold.n for fold in card.walk.folds] == [fold.split.test.windows for fold in card.walk.folds]
    assert sum(fold.n for fold in card.walk.folds) == card.metrics.n
    first, second = card.walk.folds
    assert first.split.test.last_ms < second.split.test.first_ms
    assert first.k != second.k
    assert {b.metrics.n for b in card.baselines} == {card.metrics.n}
    assert {b.key for b in card.baselines} >= {"shuffled", "boosting", "logistic", "persistence", "momentum"}
    assert card.quick_look  # two seeds
    assert card.verdict == "no_demonstrated_skill"
    assert any("2 of at least 5 seeds" in line for line in card.reasons)
    assert {r.key for r in card.regimes} == {*regimes.DIRECTIONS, *regimes.MOODS}  # as on live scorecards
    assert sum(r.n for r in card.regimes) == 2 * card.metrics.n
    assert card.sets is not None
    assert 0.6 < card.sets.coverage <= 1
    assert sum(card.sets.sizes) == pytest.approx(1)
    assert card.abstained is not None
    assert card.abstained.share == pytest.approx(card.abstained.novel + card.abstained.undecided)
    assert len(card.metrics.class_ece) == 3
    assert card.metrics.mcc_interval[0] <= card.metrics.mcc <= card.metrics.mcc_interval[1]
    assert card.onnx_max_difference <= 1e-5
    assert [run.seed for run in card.runs] == [1, 2]


def files_are_whole(settings: Settings, card: Card) -> None:
    with db.engine.session() as session:
        (model,) = (trained_models.get(session, model_id) for model_id in trained_models.ids(session))
        loaded = artefacts.load(settings.models, model.folder, model.manifest)
        content = artefacts.read_checked(settings.models, model.folder, artefacts.OOS, model.manifest)
    assert loaded.novelty is not None
    assert loaded.threshold == pytest.approx(card.sets.threshold if card.sets else -1)
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        rows = {name: found[name] for name in found.files}
    assert len(rows["open_ms"]) == card.metrics.n
    assert (np.diff(rows["open_ms"]) >= 0).all()
    assert rows["seed_probabilities"].shape == (card.metrics.n, 2, 3)
    np.testing.assert_allclose(rows["probabilities"], rows["seed_probabilities"].mean(axis=1), atol=1e-6)
    right = (rows["probabilities"].argmax(axis=1) == rows["label"]).mean()
    assert right == pytest.approx(card.metrics.accuracy)


def test_every_part_is_a_job_of_its_own_that_belongs_to_nobody(settings: Settings) -> None:
    context = begun(settings)
    found = parts(context.job_id)
    assert [(p.kind, p.fold, p.seed) for p in found] == [
        *(("lstm", fold, seed) for fold in (0, 1) for seed in (1, 2)),
        ("shuffled", 0, 1),
    ]
    assert {p.job_state for p in found} == {"queued"}
    with db.engine.session() as session:
        assert all(job.owner_id is None for job in jobs.latest(session, name=TRAIN_FOLD.name))


def test_a_second_attempt_reads_the_copy_of_the_first(settings: Settings) -> None:
    context = begun(settings)
    work = walk_forward.folder(settings.models, context.job_id)

    def never() -> list[Any]:
        raise AssertionError("candles were read again")

    walk_forward._begin(context, TrainingConfig((MARKET,), "1h", 3), work, never, 0)
    with db.engine.session() as session:
        sha256 = training_runs.get(session, context.job_id).candles
    (frame,) = walk_forward.copied(context, work, sha256)
    assert (frame.market, frame.simulated, len(frame.candles)) == (MARKET, True, 1_400)


def test_cancelling_the_run_cancels_its_parts(settings: Settings) -> None:
    context = begun(settings)
    context.signals.cancelled.set()
    with pytest.raises(Cancelled):
        training.train_model(context, **ASKED)
    assert {p.job_state for p in parts(context.job_id)} == {"cancelled"}
    assert not walk_forward.folder(settings.models, context.job_id).exists()


def test_a_cancelled_run_ends_cancelled_though_its_parts_hear_of_it_first(settings: Settings) -> None:
    context = begun(settings)
    with db.engine.session() as session:
        jobs.request_cancel(session, context.job_id)
    assert {p.job_state for p in parts(context.job_id)} == {"cancelled"}, "at once: no worker begins one"
    with pytest.raises(Cancelled):
        walk_forward._until_done(context)


def test_a_part_stops_once_its_run_is_no_longer_wanted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    context = begun(settings)
    monkeypatch.setattr(walk_forward, "ASK", -1.0)
    part = JobContext(settings, "part", 1, None, Signals())
    walk_forward._checker(part, context.job_id)()
    with db.engine.session() as session:
        jobs.request_cancel(session, context.job_id)
    with pytest.raises(Cancelled, match="has ended"):
        walk_forward._checker(part, context.job_id)()


def test_a_part_that_failed_fails_the_run_in_words_and_stops_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk_forward, "_train_one", lambda *_: (_ for _ in ()).throw(Refused("No label has come.")))
    job_id = asked()
    engine.execute(job_id, settings)
    job = row(job_id)
    assert job.state == JobState.FAILED
    assert job.reason == "The training of fold 1, seed 1 failed: No label has come."
    assert {p.job_state for p in parts(job_id)} == {"failed", "cancelled"}


def test_s36_a_worker_that_trains_parts_turns_to_somebody_else_once_they_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trained = begun(settings), []
    monkeypatch.setattr(walk_forward, "_train_one", lambda _context, _run, key: trained.append(key))
    part = JobContext(settings, "part", 1, None, Signals())
    with db.engine.session() as session:
        other = jobs.create(session, TRAIN_MODEL, {}, asked_by="bob@example.org").id
    walk_forward.train_fold(part, context.job_id, "lstm", 0, 1)
    assert trained == [Key("lstm", 0, 1)]
    with db.engine.session() as session:
        jobs.request_cancel(session, other)
    walk_forward.train_fold(part, context.job_id, "lstm", 0, 1)
    assert trained[1:] == [Key("lstm", 0, 1), *(Key.of(p) for p in parts(context.job_id))]


def test_the_whole_is_as_far_as_its_parts() -> None:
    def part(seed: int, state: str, fraction: float) -> PartRow:
        progress = {"fraction": fraction, "val_losses": [1.0]}
        return PartRow("lstm", 0, seed, state, {}, {}, "j", "running", None, progress)

    told: list[dict[str, Any]] = []

    class Told(JobContext):
        def progress(self, fraction: float, message: str, **details: Any) -> None:
            told.append({"fraction": fraction, "message": message, **details})

    follower = run_progress.Follower(Told(None, "r", 1))  # type: ignore[arg-type]
    follower.tell([part(1, "done", 1.0), part(2, "waiting", 0.0)])
    follower._began -= 10
    follower.tell([part(1, "done", 1.0), part(2, "waiting", 0.5)])
    assert [t["fraction"] for t in told] == pytest.approx([0.95 * 0.5, 0.95 * 0.75])
    assert told[0]["eta_s"] is None
    assert told[1]["eta_s"] == pytest.approx(10, abs=2)
    assert told[1]["message"] == "1 of 2 networks trained"
    assert [p["state"] for p in told[1]["parts"]] == ["done", "running"]
