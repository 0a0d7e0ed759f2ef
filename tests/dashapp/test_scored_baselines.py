"""Fitted baselines stand on a scorecard beside the rules, and change neither its evidence nor its best rule."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from dashapp.api.scorecards import Scorecard as Answer
from db.queries.scorecards import Record
from layouts.components import score_slices, scorecard
from ml import score_table, scoring
from ml.scorecard import MODELS, RULES, Scorecard, Settled
from tests.layouts.test_shell import words
from tests.ml.settled import HABITS, HOUR, settled


def knowing(rows: Settled, share: float) -> np.ndarray:
    """Probabilities that lie by `share` on what will happen."""
    return (1 - share) * np.tile(HABITS.base_rates, (len(rows), 1)) + share * np.eye(3)[rows.y]


def drawn(rows: Settled) -> Scorecard:
    card = scoring.draw_up(rows, HABITS, horizon=1, step_ms=HOUR)
    assert card is not None
    return card


ROWS = settled(700, share=0.3)
BESIDE = replace(ROWS, logistic=knowing(ROWS, 0.1), boosting=knowing(ROWS, 0.6))
CARD = drawn(BESIDE)


def test_they_are_scored_on_the_same_rows_in_the_same_units() -> None:
    assert [side.key for side in CARD.baselines] == [*RULES, *MODELS]
    for key in MODELS:
        side, q = CARD.baseline(key), getattr(BESIDE, key)
        assert side.hit_rate == float((q.argmax(axis=1) == BESIDE.y).mean())
        assert side.interval is not None and side.mcc_interval is not None and side.ece is not None
        assert side.saves is not None and side.saves.beats is (key == "logistic")
    assert all({side.key for side in part.baselines} >= set(MODELS) for part in CARD.regimes if part.model)


def test_evidence_and_the_best_rule_are_of_the_rules_alone() -> None:
    without = drawn(ROWS)
    assert (CARD.level, CARD.best) == (without.level, without.best) == (4, without.best)
    assert [part.best for part in CARD.regimes] == [part.best for part in without.regimes]
    assert without.finding.endswith("lost less than every simple rule.")
    assert CARD.finding.endswith("lost less than every simple rule; it does not beat gradient boosting.")


def test_what_one_call_lacks_is_not_recorded_rather_than_zero() -> None:
    holed = BESIDE.logistic.copy()
    holed[3] = np.nan
    card = drawn(replace(BESIDE, logistic=holed))
    assert (card.not_recorded, CARD.not_recorded) == (["logistic"], [])
    assert Scorecard.from_dict(card.to_dict()).not_recorded == ["logistic"]
    text = " ".join(words(scorecard.forecasters(card)).split())
    assert "Logistic regression not recorded" in text and "Gradient boosting not recorded" not in text
    assert "All are scored live" in words(score_slices.whole(CARD))
    assert "before they were kept with it" in words(score_slices.whole(card))


def test_csv_and_api_name_them_and_what_is_not_recorded() -> None:
    about = ("binance", "BTC/USDT", "1h", 1, False, 700)
    records = [Record(1, "m", n, 3, *about, card.to_dict(), datetime(2026, 11, 24, tzinfo=UTC))
               for n, card in enumerate((CARD, drawn(ROWS)))]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(score_table.as_csv(records))))
    assert {row["not_recorded"] for row in rows if row["version"] == "0"} == {""}
    assert {row["not_recorded"] for row in rows if row["version"] == "1"} == {"logistic boosting"}
    assert float(rows[0]["boosting_hit_rate"]) == CARD.baseline("boosting").hit_rate
    assert all(row["boosting_brier_low"] == row["logistic_mcc"] == "" for row in rows if row["version"] == "1")
    answers = [Answer.of(record) for record in records]
    assert [one.key for one in answers[0].rules] == [*RULES, *MODELS]
    assert [answer.not_recorded for answer in answers] == [[], list(MODELS)]
