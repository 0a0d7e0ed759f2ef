"""Scorecards follow from the ledger alone, beside rules that knew no more than the model did."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms
from core.timeframe import parse
from db.queries import candles, markets, scorecards
from db.queries.scorecards import Pair
from db.tables import CallRules, Market, TrainedModel
from ml import drift, features, reference, regimes, scorekeeping, settling
from ml.card import CLASSES
from ml.scorecard import FORM, Scorecard
from tests.candles import START_MS, walk
from tests.ml import versions
from tests.ml.ledger import past_call

HOUR = parse("1h").ms
ASKED = versions.config()
DATA = versions.prepared(ASKED, n=1_900)
CARD = versions.card(ASKED, DATA)
SERIES = walk(1_900, "1h", seed=1)
FIRST, CALLS = 1_750, 30


@pytest.fixture
def market(session: Session) -> Market:
    found = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, found.id, "1h", SERIES)
    return found


@pytest.fixture
def model(session: Session, tmp_path: Path) -> TrainedModel:
    return versions.publish(session, tmp_path, CARD, ASKED)


@pytest.fixture
def settled(session: Session, market: Market, model: TrainedModel) -> Pair:
    """Settled calls with what rules said beside them."""
    for n in range(FIRST, FIRST + CALLS):
        past_call(session, model_id=model.id, market_id=market.id, open_ms=START_MS + n * HOUR)
    now = from_ms(START_MS + 1_900 * HOUR)
    assert settling.settle_due(session, now=now) == CALLS
    touched = scorekeeping.note_rules(session, now=now)
    assert touched == {Pair(model.id, market.id)}
    assert scorekeeping.refresh(session, touched) == 1
    return Pair(model.id, market.id)


def test_rules_say_what_they_say_in_a_training(session: Session, settled: Pair) -> None:
    k = CARD.labels.k
    rows = DATA.rows
    _, _, said = reference.labelled(SERIES, k, horizon=3, step_ms=HOUR, sigma_span=ASKED.sigma_span)
    at = np.searchsorted(SERIES.time, rows.spans.t0)
    late = at > 400  # a training follows rows with a whole window only, a live rule every bar
    np.testing.assert_array_equal(said.momentum[at], rows.momentum)
    assert (said.persistence[at][late] == rows.said_before[late]).mean() > 0.99


def test_a_rule_knows_nothing_after_the_close_of_the_candle() -> None:
    whole, part = (
        reference.labelled(c, 0.8, horizon=3, step_ms=HOUR, sigma_span=100)[2] for c in (SERIES, SERIES[:1_500])
    )
    known = 1_500 - 3  # the last rows of the shorter series have no whole path yet
    np.testing.assert_array_equal(whole.persistence[:known], part.persistence[:known])
    np.testing.assert_array_equal(whole.momentum[:1_500], part.momentum)


def test_rules_and_regime_are_noted_beside_each_call_once(session: Session, settled: Pair) -> None:
    noted = list(session.query(CallRules).order_by(CallRules.prediction_id))
    kinds = regimes.codes(SERIES, HOUR)[FIRST : FIRST + CALLS]
    assert [row.regime for row in noted] == kinds.tolist()
    _, _, said = reference.labelled(SERIES, CARD.labels.k, horizon=3, step_ms=HOUR, sigma_span=100)
    assert [row.momentum for row in noted] == [CLASSES[c] for c in said.momentum[FIRST : FIRST + CALLS]]
    assert not scorekeeping.note_rules(session, now=from_ms(START_MS + 1_900 * HOUR))
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE call_rules SET regime = 0"))


def test_the_stored_scorecard_is_that_of_the_ledger(session: Session, settled: Pair, model: TrainedModel) -> None:
    (record,) = scorecards.records(session)
    rows = scorecards.settled_rows(session, settled.model_id, settled.market_id)
    card = scorekeeping.of(session, model, rows)
    assert card is not None and record.card == card.to_dict()
    assert (record.settled, record.simulated, card.n) == (CALLS, True, CALLS)
    assert {b.key for b in card.baselines} == {"climatology", "majority", "persistence", "momentum"}
    assert card.baseline("climatology").log_loss != card.model.log_loss


def test_a_scorecard_that_misses_calls_is_outdated(session: Session, settled: Pair, market: Market) -> None:
    assert scorecards.outdated(session, form=FORM) == []
    past_call(session, model_id=settled.model_id, market_id=market.id, open_ms=START_MS + 1_880 * HOUR)
    settling.settle_due(session, now=from_ms(START_MS + 1_900 * HOUR))
    assert scorecards.outdated(session, form=FORM) == [settled]


def test_a_scorecard_of_an_older_form_is_outdated_and_readable_until_it_is_drawn_again(
    session: Session, settled: Pair
) -> None:
    assert scorecards.outdated(session, form=FORM + 1) == [settled]
    (record,) = scorecards.records(session)
    old = {key: value for key, value in record.card.items() if key not in ("form", "note")}
    old["model"] = {
        key: value for key, value in old["model"].items() if not key.startswith(("brier_i", "ece", "mcc_i"))
    }
    old["regimes"] = [
        {k: v for k, v in part.items() if k not in ("model", "baselines", "note")} for part in old["regimes"]
    ]
    scorecards.store(session, settled, simulated=True, settled=CALLS, newest=1, card=old)
    read = Scorecard.from_dict(scorecards.records(session)[0].card)
    assert (read.form, read.model.ece, read.regimes[0].model) == (1, None, None)
    assert scorecards.outdated(session, form=FORM) == [settled]
    assert scorekeeping.refresh(session, scorecards.outdated(session, form=FORM)) == 1
    assert scorecards.outdated(session, form=FORM) == []


def test_calls_that_never_settled_are_counted_beside_the_card(session: Session, settled: Pair, market: Market) -> None:
    assert [r.unsettled for r in scorecards.records(session)] == [0]
    past_call(session, model_id=settled.model_id, market_id=market.id, open_ms=START_MS + 1_950 * HOUR)
    assert settling.settle_due(session, now=from_ms(START_MS + 2_000 * HOUR)) == 0  # no candles there
    assert [r.unsettled for r in scorecards.records(session)] == [1]
    assert scorecards.unsettled(session) == {settled: 1}


def test_simulated_scores_are_asked_for_apart(session: Session, settled: Pair) -> None:
    assert scorecards.records(session, simulated=False) == []
    assert len(scorecards.records(session, simulated=True, timeframe="1h", horizon=3)) == 1
    assert scorecards.records(session, horizon=24) == []


def test_the_reference_is_the_training_span(session: Session, market: Market, model: TrainedModel) -> None:
    found = reference.of(session, model)
    assert found.habits.base_rates == CARD.split.train.shares
    assert [u.key for u in found.usual] == list(features.NAMES)
    first, last = (np.searchsorted(SERIES.time, t) for t in (CARD.split.train.first_ms, CARD.split.train.last_ms))
    inside = features.compute(SERIES, HOUR)[first : last + 1]
    assert found.usual[0].quantiles[50] == pytest.approx(float(np.median(inside[:, 0])))
    np.testing.assert_allclose(np.sum(found.habits.persistence, axis=1), 1.0)
    kept = scorecards.report(session, model.id, scorecards.REFERENCE)
    assert kept is not None and reference.of(session, model) == found


def test_without_the_candles_rules_fall_back_to_base_rates(session: Session, model: TrainedModel) -> None:
    found = reference.of(session, model)
    assert found.usual == [] and found.habits.momentum == [CARD.split.train.shares] * 3
    assert scorecards.report(session, model.id, scorecards.REFERENCE) is None  # they may come back


def test_live_features_need_a_series_that_goes_on(session: Session, market: Market) -> None:
    last = int(SERIES.time[-1])
    found = reference.live(session, "demo:BTC/USDT", "1h", drift.LIVE, now_ms=last + 2 * HOUR)
    assert found is not None and found.shape == (drift.LIVE, len(features.NAMES))
    assert reference.live(session, "demo:BTC/USDT", "1h", drift.LIVE, now_ms=last + 40 * HOUR) is None
    assert reference.live(session, "demo:ETH/USDT", "1h", drift.LIVE, now_ms=last) is None
