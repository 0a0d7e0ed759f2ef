"""What baselines say beside a call stands before its outcome exists, and whoever touches it is found."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, to_ms, utc_now
from core.errors import ModelUnavailable
from core.timeframe import parse
from db.queries import candles, ledger, markets, prediction_baselines, scorecards
from db.queries.ledger import Breach
from db.tables import Market, Prediction, PredictionBaseline, TrainedModel
from market.candles import latest
from ml import artefacts, evaluation, features, predictor, scorekeeping, settling
from ml.scorecard import RULES, Scorecard
from ml.simple_models import KEYS
from tests.candles import START_MS, walk
from tests.ml import versions
from tests.ml.ledger import past_baselines, past_call

HOUR = parse("1h")
DEMO = market_name.parse("demo:BTC/USDT")
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
BESIDE = versions.beside(ASKED)


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture
def market(session: Session, now: datetime) -> Market:
    found = markets.get_or_create(session, DEMO, simulated=True)
    candles.upsert(session, found.id, "1h", walk(400, start_ms=HOUR.last_closed(to_ms(now)) - 399 * HOUR.ms))
    return found


@pytest.fixture
def model(session: Session, tmp_path: Path) -> TrainedModel:
    return versions.publish(session, tmp_path, CARD, ASKED, more=BESIDE)


@pytest.fixture
def call(session: Session, market: Market, model: TrainedModel, tmp_path: Path, now: datetime) -> Prediction:
    predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    return session.scalars(select(Prediction)).one()


def rows(session: Session) -> list[PredictionBaseline]:
    return list(session.scalars(select(PredictionBaseline).order_by(PredictionBaseline.seq)))


def tamper(session: Session, crime: str, **values: Any) -> list[Breach]:
    """What is found after somebody with every right did this; it is undone afterwards."""
    session.flush()
    with session.begin_nested() as mark:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(crime), values)
        session.expire_all()
        found = ledger.verify(session).breaches
        mark.rollback()
    session.expire_all()
    return found


def test_they_speak_of_the_window_of_the_call_and_are_chained_to_it(
    session: Session, market: Market, model: TrainedModel, call: Prediction, tmp_path: Path
) -> None:
    loaded = artefacts.load(tmp_path, model.folder, model.manifest)
    window = loaded.scaler.apply(features.compute(latest(session, market.id, "1h", 400), HOUR.ms)[-60:])
    expected = versions.simple_models(ASKED).say(window[None])
    found = rows(session)
    assert [row.name for row in found] == list(KEYS)
    for row in found:
        np.testing.assert_allclose((row.p_bearish, row.p_neutral, row.p_bullish), expected[row.name][0], atol=1e-12)
        assert call.made_at <= row.made_at < call.outcome_from
    assert [row.prev_hash for row in found] == [ledger.GENESIS, found[0].hash]
    whole = ledger.verify(session)
    assert (whole.baselines.rows, whole.baselines.head, whole.breaches) == (2, found[1].hash, [])


def test_a_version_from_before_has_none_and_its_calls_are_whole(
    session: Session, market: Market, tmp_path: Path, now: datetime
) -> None:
    versions.publish(session, tmp_path, CARD, ASKED)
    predictor.predict_now(session, DEMO, "1h", models=tmp_path, now=now)
    assert rows(session) == []
    assert ledger.verify(session).breaches == []


@pytest.mark.parametrize(
    "statement", ["UPDATE prediction_baselines SET name = 'x'", "DELETE FROM {}", "TRUNCATE prediction_baselines"]
)
def test_what_was_said_cannot_be_changed(session: Session, call: Prediction, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement.format("prediction_baselines")))


def test_nothing_is_said_once_the_outcome_has_begun(session: Session, market: Market, model: TrainedModel) -> None:
    old = past_call(session, model_id=model.id, market_id=market.id, open_ms=START_MS)
    with pytest.raises(IntegrityError, match="before_outcome"):
        prediction_baselines.write(session, old.id, {"logistic": (0.2, 0.3, 0.5)})


def test_a_fault_while_they_are_written_costs_the_call_as_well(
    session: Session,
    market: Market,
    model: TrainedModel,
    tmp_path: Path,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {"logistic": (0.2, 0.3, 0.6)}
    monkeypatch.setattr("ml.serving._beside", lambda *_: wrong)
    due = predictor.predict_due(session, models=tmp_path, now=now)
    assert (due.written, list(due.refused)) == (0, [f"{DEMO} 1h"])
    assert session.execute(text("SELECT count(*) FROM predictions")).scalar_one() == 0


@pytest.mark.parametrize("name", KEYS)
def test_a_changed_one_and_a_missing_one_are_named(session: Session, call: Prediction, name: str) -> None:
    place = KEYS.index(name) + 1
    (found,) = tamper(session, "UPDATE prediction_baselines SET p_bearish = p_bearish + 1e-9 WHERE name = :n", n=name)
    assert found.sentence == f"{name} beside call {call.id} (row {place} of prediction_baselines) was changed"
    said = {b.sentence for b in tamper(session, "DELETE FROM prediction_baselines WHERE name = :n", n=name)}
    assert f"row {place} of prediction_baselines is missing" in said
    assert f"{name} beside call {call.id} (row 1 of predictions) is missing" in said


def test_one_that_was_moved_written_late_or_lost_its_call_is_named(session: Session, call: Prediction) -> None:
    moved = tamper(session, "UPDATE predictions SET hash = repeat('a', 64)")
    assert [b.kind for b in moved if b.table == "prediction_baselines"] == ["changed", "changed"]
    lost = tamper(session, "DELETE FROM predictions")
    assert {b.kind for b in lost if b.table == "prediction_baselines"} == {"changed", "late"}
    assert any("has lost its call" in b.sentence for b in lost)
    late = tamper(session, "UPDATE prediction_baselines SET made_at = made_at + interval '3 hours' WHERE seq = 2")
    assert [b.kind for b in late] == ["changed", "late"]
    assert "was written when the outcome had begun to exist" in late[1].sentence


def test_a_hash_computed_anew_does_not_hide_a_change(session: Session, call: Prediction) -> None:
    first = rows(session)[0]
    values = [1, call.id, "logistic", 0.1, 0.2, 0.7, first.made_at, call.hash]
    forged = ledger.digest(ledger.GENESIS, values)
    crime = "UPDATE prediction_baselines SET p_bearish = 0.1, p_neutral = 0.2, p_bullish = 0.7, hash = :h WHERE seq = 1"
    assert [b.kind for b in tamper(session, crime, h=forged)] == ["inserted"]


def test_a_damaged_file_of_baselines_silences_the_version_and_the_one_before_speaks(
    session: Session, market: Market, model: TrainedModel, tmp_path: Path, now: datetime
) -> None:
    newer = versions.publish(session, tmp_path, versions.with_gain(CARD, 1.0), ASKED, seed=2, more=BESIDE)
    path = tmp_path / newer.folder / artefacts.BASELINES
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match=r"baselines\.npz is damaged"):
        artefacts.load(tmp_path, newer.folder, newer.manifest)
    asked = predictor.ask(session, DEMO, "1h", models=tmp_path, now=now)
    assert asked.call.model_id == model.id and asked.note is not None
    assert len(rows(session)) == 2


def test_whole_files_that_hold_other_baselines_are_refused(session: Session, tmp_path: Path) -> None:
    other = {artefacts.BASELINES: b"no arrays"}
    made = versions.publish(session, tmp_path, CARD, ASKED, more=other)
    with pytest.raises(ModelUnavailable, match="cannot be understood"):
        artefacts.load(tmp_path, made.folder, made.manifest)


def test_the_scorecard_has_them_on_the_rows_of_the_model(session: Session, tmp_path: Path) -> None:
    """Calls of a version that keeps them, settled; and the same calls of one that is from before."""
    market = markets.get_or_create(session, DEMO, simulated=True)
    candles.upsert(session, market.id, "1h", walk(400))
    with_them = versions.publish(session, tmp_path, CARD, ASKED, more=BESIDE)
    before = versions.publish(session, tmp_path, CARD, ASKED, seed=2)
    rng = np.random.default_rng(5)
    said = {name: [(float(a), float(b), float(c)) for a, b, c in rng.dirichlet((4, 4, 4), size=120)] for name in KEYS}
    for n in range(120):
        opened = START_MS + (200 + n) * HOUR.ms
        call = past_call(session, model_id=with_them.id, market_id=market.id, open_ms=opened)
        past_baselines(session, call, {name: p[n] for name, p in said.items()})
    past_call(session, model_id=before.id, market_id=market.id, open_ms=START_MS + 321 * HOUR.ms)
    now = from_ms(START_MS + 400 * HOUR.ms)
    assert settling.settle_due(session, now=now) == 121
    assert scorekeeping.refresh(session, scorekeeping.note_rules(session, now=now)) == 2
    assert ledger.verify(session).breaches == []
    card, old = (Scorecard.from_dict(record.card) for record in scorecards.records(session))
    rows_of = scorekeeping.arrays(scorecards.settled_rows(session, with_them.id, market.id))
    for name in KEYS:
        np.testing.assert_allclose(getattr(rows_of, name), said[name])
        y = evaluation.settled(rows_of.y, rows_of.ambiguous, np.array(said[name]))
        side = card.baseline(name)
        assert side.log_loss == pytest.approx(evaluation.log_losses(np.array(said[name]), y).mean())
        assert (side.n, side.saves is not None) == (120, True)
    assert (card.not_recorded, old.not_recorded) == ([], list(KEYS))
    assert [side.key for side in old.baselines] == list(RULES)
