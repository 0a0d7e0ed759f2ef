"""Calls and scorecards as the pages read them; simulated ones are never counted with real ones."""

import math
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, utc_now
from core.timeframe import parse
from db.queries import candles, markets, predictions, tallies
from db.tables import Market
from ml import settling
from tests.candles import START_MS, walk
from tests.ml import versions
from tests.ml.ledger import past_call

HOUR = parse("1h").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
END = from_ms(START_MS + 60 * HOUR)


def opens(n: int) -> int:
    return START_MS + n * HOUR


@pytest.fixture
def demo(session: Session) -> Market:
    return _market(session, "demo:BTC/USDT")


@pytest.fixture
def real(session: Session) -> Market:
    return _market(session, "binance:BTC/USDT")


def _market(session: Session, text_: str) -> Market:
    name = market_name.parse(text_)
    found = markets.get_or_create(session, name, simulated=name.exchange == "demo")
    candles.upsert(session, found.id, "1h", walk(60))
    return found


@pytest.fixture
def model_id(session: Session, tmp_path: Path) -> int:
    return versions.publish(session, tmp_path, CARD, ASKED).id


def test_latest_is_the_newest_call_of_each_market(session: Session, demo: Market, real: Market, model_id: int) -> None:
    for n in (5, 6, 7):
        past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(n))
    past_call(session, model_id=model_id, market_id=real.id, open_ms=opens(4), simulated=False)
    rows = predictions.latest(session)
    assert [(r.exchange, r.open_time) for r in rows] == [("binance", from_ms(opens(4))), ("demo", from_ms(opens(7)))]
    assert [r.exchange for r in predictions.latest(session, market_id=demo.id)] == ["demo"]


def test_horizons_have_a_latest_call_each(session: Session, demo: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5), horizon=3)
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(6), horizon=12)
    assert [r.horizon for r in predictions.latest(session)] == [3, 12]


def test_history_holds_settled_and_open_calls_newest_first(session: Session, demo: Market, model_id: int) -> None:
    for n in (10, 58):
        past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(n))
    settling.settle_due(session, now=END)
    newest, oldest = predictions.history(session, demo.id, "1h")
    assert newest.outcome is None
    assert newest.right is None
    assert oldest.outcome is not None
    assert oldest.right is (oldest.outcome == "bullish")
    assert predictions.history(session, demo.id, "1h", horizon=99) == []
    assert len(predictions.history(session, demo.id, "1h", limit=1)) == 1


def test_a_call_names_its_model_and_the_base_rates_it_learned(session: Session, demo: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    (row,) = predictions.latest(session)
    assert (row.model, row.version) == (ASKED.family, 1)
    assert row.base_rates == tuple(CARD.split.train.shares)
    assert row.probabilities == (0.2, 0.3, 0.5)


def test_scorecard_counts_what_settled_beside_base_rates(session: Session, demo: Market, model_id: int) -> None:
    for n in range(5, 50):
        past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(n))
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(58))
    settling.settle_due(session, now=END)
    (score,) = tallies.scorecard(session, simulated=True)
    settled = [r for r in predictions.history(session, demo.id, "1h") if r.outcome]
    assert (score.made, score.n) == (46, 45)
    assert score.right == sum(bool(r.right) for r in settled)
    assert score.hit_rate == pytest.approx(score.right / 45)
    assert score.log_loss == pytest.approx(sum(r.log_loss or 0 for r in settled) / 45)
    assert score.brier == pytest.approx(sum(r.brier or 0 for r in settled) / 45)
    rates = CARD.split.train.shares
    losses = [-math.log(rates[predictions.CLASSES.index(r.outcome or "")]) for r in settled]
    assert score.base_log_loss == pytest.approx(sum(losses) / 45)
    briers = [tallies.brier(rates, r.outcome or "") for r in settled]
    assert score.base_brier == pytest.approx(sum(briers) / 45)
    assert (score.first, score.last) == (from_ms(opens(5)), from_ms(opens(58)))


def test_simulated_calls_never_enter_a_real_scorecard(
    session: Session, demo: Market, real: Market, model_id: int
) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    past_call(session, model_id=model_id, market_id=real.id, open_ms=opens(5), simulated=False)
    settling.settle_due(session, now=END)
    assert [s.exchange for s in tallies.scorecard(session, simulated=False)] == ["binance"]
    assert [s.exchange for s in tallies.scorecard(session, simulated=True)] == ["demo"]
    assert tallies.scorecard(session, simulated=False, market_id=demo.id) == []


def test_a_scorecard_without_settled_calls_has_no_rates(session: Session, demo: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(58))
    (score,) = tallies.scorecard(session, simulated=True)
    assert (score.made, score.n, score.hit_rate, score.log_loss, score.base_log_loss) == (1, 0, None, None, None)


def test_what_settled_lately_is_listed(session: Session, demo: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    settling.settle_due(session, now=END)
    assert len(predictions.settled_since(session, utc_now() - timedelta(hours=1))) == 1
    assert predictions.settled_since(session, utc_now() + timedelta(hours=1)) == []


def test_the_same_candle_is_written_once(session: Session, demo: Market, model_id: int) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    with pytest.raises(AssertionError):
        past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    assert predictions.called(session, timeframe="1h", open_time=from_ms(opens(5))) == {(ASKED.family, demo.id)}


def test_the_database_refuses_a_call_whose_outcome_exists(session: Session, demo: Market, model_id: int) -> None:
    """With its own clock, whatever the writer claims."""
    call = past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    columns = [c.name for c in call.__table__.columns if c.name not in ("id", "made_at")]
    values = {name: getattr(call, name) for name in columns} | {"open_time": from_ms(opens(6))}
    with pytest.raises(IntegrityError, match="before_outcome"):
        predictions.write(session, values)


@pytest.mark.parametrize("change", ["p_bullish = 0.9", "call = 'up'"])
def test_ledger_rows_do_not_change(session: Session, demo: Market, model_id: int, change: str) -> None:
    past_call(session, model_id=model_id, market_id=demo.id, open_ms=opens(5))
    with pytest.raises(DBAPIError):
        session.execute(text(f"UPDATE predictions SET {change}"))
