"""Outcomes come from the labels' own code over stored candles, once, and not before their time."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms
from core.ohlcv import Candles
from core.timeframe import parse
from db.queries import candles, markets, predictions
from db.tables import Market, PredictionOutcome
from ml import labels, settling
from tests.candles import START_MS, walk
from tests.ml import versions
from tests.ml.ledger import due_at, past_call

HOUR = parse("1h").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
SERIES = walk(60)


@pytest.fixture
def market(session: Session) -> Market:
    found = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, found.id, "1h", SERIES)
    return found


@pytest.fixture
def model_id(session: Session, tmp_path: Path) -> int:
    return versions.publish(session, tmp_path, CARD, ASKED).id


def outcomes(session: Session) -> list[PredictionOutcome]:
    return list(session.scalars(select(PredictionOutcome).order_by(PredictionOutcome.prediction_id)))


def opens(n: int) -> int:
    return START_MS + n * HOUR


def test_outcomes_are_the_labels_of_the_same_rows(session: Session, market: Market, model_id: int) -> None:
    rows = np.arange(5, 45)
    for n in rows:
        past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(int(n)))
    settled = settling.settle_due(session, now=from_ms(opens(60)))
    assert settled == len(rows)
    wide = np.full(len(rows), 1.02), np.full(len(rows), 0.98)
    expected = labels.touch(SERIES, rows, *wide, horizon=3, step_ms=HOUR)
    names = [settling.CLASSES[y] for y in expected.y]
    got = outcomes(session)
    clear = ~expected.ambiguous
    assert [o.outcome for o, ok in zip(got, clear, strict=True) if ok] == [
        n for n, ok in zip(names, clear, strict=True) if ok
    ]
    np.testing.assert_allclose([o.log_return for o in got], expected.ret)
    assert [o.t1 for o in got] == [from_ms(int(SERIES.time[e])) for e in expected.end]
    assert len(set(names)) == 3


def test_a_call_is_settled_once(session: Session, market: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(10))
    assert settling.settle_due(session, now=from_ms(opens(60))) == 1
    assert settling.settle_due(session, now=from_ms(opens(60))) == 0
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE prediction_outcomes SET outcome = 'bullish'"))


def test_nothing_settles_before_its_horizon_is_over(session: Session, market: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(10))
    due = due_at(opens(10), "1h", 3)
    assert settling.settle_due(session, now=due - timedelta(seconds=1)) == 0
    assert settling.settle_due(session, now=due) == 1


def test_a_call_waits_for_candles_that_have_not_arrived(session: Session, market: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(58))
    assert settling.settle_due(session, now=from_ms(opens(70))) == 0
    candles.upsert(session, market.id, "1h", walk(70)[60:])
    assert settling.settle_due(session, now=from_ms(opens(70))) == 1


def test_a_path_over_a_hole_stays_open_until_the_hole_is_filled(
    session: Session, market: Market, model_id: int
) -> None:
    past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(20))
    where = {"m": market.id, "t": from_ms(opens(22))}
    session.execute(text("DELETE FROM candles WHERE market_id = :m AND open_time = :t"), where)
    assert settling.settle_due(session, now=from_ms(opens(60))) == 0
    candles.upsert(session, market.id, "1h", SERIES[22:23])
    assert settling.settle_due(session, now=from_ms(opens(60))) == 1


def test_both_barriers_in_one_bar_count_against_the_call(session: Session, market: Market, model_id: int) -> None:
    narrow = (1.0000001, 0.9999999)
    up = past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(10), factors=narrow)
    down = past_call(
        session, model_id=model_id, market_id=market.id, open_ms=opens(11), factors=narrow, p=(0.5, 0.3, 0.2)
    )
    settling.settle_due(session, now=from_ms(opens(60)))
    found = {o.prediction_id: o for o in outcomes(session)}
    assert found[up.id].ambiguous and found[up.id].outcome == "bearish"
    assert found[down.id].ambiguous and found[down.id].outcome == "bullish"


def test_stored_finer_candles_decide_between_both_barriers(session: Session, market: Market, model_id: int) -> None:
    up = past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(10), factors=(1.0000001, 0.9999999))
    entry = float(SERIES.open[11])
    quarter = np.array([entry])
    rising = Candles(np.array([opens(11)]), quarter, quarter * 1.001, quarter, quarter * 1.001, quarter)
    candles.upsert(session, market.id, "15m", rising)
    settling.settle_due(session, now=from_ms(opens(60)))
    (found,) = outcomes(session)
    assert (found.prediction_id, found.outcome, found.ambiguous) == (up.id, "bullish", False)


def test_scores_of_an_outcome_are_those_of_its_probabilities(session: Session, market: Market, model_id: int) -> None:
    p = (0.2, 0.3, 0.5)
    past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(10), p=p)
    settling.settle_due(session, now=from_ms(opens(60)))
    (o,) = outcomes(session)
    k = settling.CLASSES.index(o.outcome)
    assert o.log_loss == pytest.approx(-np.log(p[k]))
    assert o.brier == pytest.approx(sum((p[j] - (j == k)) ** 2 for j in range(3)))


def test_calls_on_unstored_candles_are_left_out() -> None:
    assert settling.outcomes(Candles(*(c[:0] for c in SERIES.columns())), [], step_ms=HOUR) == []


def test_a_call_nobody_settled_two_bars_on_is_overdue(session: Session, market: Market, model_id: int) -> None:
    call = past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(10))
    due = due_at(opens(10), "1h", 3)
    assert settling.overdue(session, now=due + timedelta(hours=2)) == []
    assert settling.overdue(session, now=due + timedelta(hours=2, seconds=1)) == [call.id]
    assert predictions.punctuality(session, due + timedelta(hours=3)) == (1, 0)
    settling.settle_due(session, now=due + timedelta(hours=3))
    assert settling.overdue(session, now=due + timedelta(hours=3)) == []
    assert predictions.punctuality(session, due + timedelta(hours=3)) == (0, 1)


def test_settled_calls_of_a_span_come_oldest_first(session: Session, market: Market, model_id: int) -> None:
    for n in (10, 12, 14, 16):
        past_call(session, model_id=model_id, market_id=market.id, open_ms=opens(n))
    settling.settle_due(session, now=due_at(opens(14), "1h", 3))
    found = predictions.settled_calls(session, market.id, "1h", opens(11), opens(60))
    assert [row.open_time for row in found] == [from_ms(opens(12)), from_ms(opens(14))]
    assert [r.id for r in predictions.settled_calls(session, market.id, "1h", opens(1), opens(60), limit=1)] == [
        found[-1].id
    ]
