"""The call beside the chart and right of its newest candle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from callbacks import chart_rail, chart_view, charts
from core import job_queue, ticks
from core.clock import from_ms, to_ms, utc_now
from core.ticks import Tick
from db.tables import Prediction, PredictionOutcome, TrainedModel
from market.candles import latest
from market.key_figures import key_figures
from tests.candle_data import START_MS, store, walk

HOUR = timedelta(hours=1)
BTC = {"market": "binance/BTC-USDT", "tf": "1h", "ind": ""}


@pytest.fixture
def stands(session: Session) -> chart_view.Place:
    """A market whose newest candle has just closed."""
    end = utc_now().replace(minute=0, second=0, microsecond=0)
    store(session, "binance:BTC/USDT", walk(60, start_ms=to_ms(end - 60 * HOUR)), followed=True)
    found = chart_view.place(session, chart_view.read(BTC, now=utc_now()))
    assert found is not None
    return found


def add_call(
    session: Session, stands: chart_view.Place, *, timeframe: str = "1h", hours: int = 24, **more: Any
) -> Prediction:
    model = TrainedModel(
        name=f"btc-usdt-{timeframe}",
        version=1,
        simulated=False,
        markets=["binance:BTC/USDT"],
        timeframe=timeframe,
        horizon=hours,
        config={},
        card={"split": {"train": {"shares": [0.28, 0.39, 0.33]}}},
        manifest={},
        folder="x",
    )
    session.add(model)
    session.flush()
    closed = from_ms(stands.end_ms)
    call = Prediction(
        model_id=model.id,
        market_id=stands.market.id,
        timeframe=timeframe,
        horizon=hours,
        open_time=closed - HOUR,
        closed_at=closed,
        outcome_from=utc_now() + HOUR,
        due_at=closed + hours * HOUR,
        close=100.0,
        sigma=0.01,
        upper_factor=1.02,
        lower_factor=0.98,
        p_bearish=0.334,
        p_neutral=0.424,
        p_bullish=0.242,
        call="neutral",
        confidence=0.424,
        simulated=False,
        **more,
    )
    session.add(call)
    session.commit()
    return call


def shown(session: Session, stands: chart_view.Place) -> str:
    figures = key_figures(latest(session, stands.market.id, "1h", 60), 3_600_000)
    assert figures is not None
    basis = chart_rail.Basis("1h", from_ms(stands.end_ms))
    parts: list[Any] = chart_rail.rail(session, stands, figures, basis=basis, now=utc_now())
    return str(parts)


def test_without_a_call_the_rail_says_so(session: Session, stands: chart_view.Place) -> None:
    assert "No model has called this market yet" in shown(session, stands)
    assert chart_rail.forecast(chart_rail.latest_call(session, stands), stands) is None


def test_a_call_shows_three_shares_that_add_up_barriers_and_when_it_settles(
    session: Session, stands: chart_view.Place
) -> None:
    add_call(session, stands)
    text = shown(session, stands)
    assert "Bearish 34%, neutral 42%, bullish 24%; base rates 28%, 39%, 33%" in text
    assert "102.00" in text
    assert "98.00" in text
    assert "42%, +3 pp on its base rate" in text
    assert "btc-usdt-1h v1" in text


def test_the_call_is_drawn_right_of_now_in_the_frame(session: Session, stands: chart_view.Place) -> None:
    add_call(session, stands)
    call = charts.draw_chart(BTC, None)[0]["call"]
    assert call["percents"] == [34, 42, 24]
    assert (call["upper"], call["lower"]) == (102.0, 98.0)
    assert call["due"] == stands.end_ms + 24 * 3_600_000


def test_a_call_of_another_timeframe_stands_in_the_rail_and_not_on_the_chart(
    session: Session, stands: chart_view.Place
) -> None:
    add_call(session, stands, timeframe="4h")
    assert "Latest call, 24 × 4h" in shown(session, stands)
    assert chart_rail.forecast(chart_rail.latest_call(session, stands), stands) is None
    add_call(session, stands)
    assert "Latest call, 24 × 1h" in shown(session, stands)


def test_a_model_that_abstains_leads_nowhere_beside_the_chart_and_on_it(
    session: Session, stands: chart_view.Place
) -> None:
    call = add_call(session, stands, abstained=True, abstain_reason="undecided")
    text = shown(session, stands)
    assert "Abstains: no outcome can be ruled out with confidence." in text
    assert "is-top" not in text
    frame, words = charts.draw_chart(BTC, None)
    assert frame["call"]["abstains"] is True
    assert frame["marks"] == [[to_ms(call.open_time), 1, 0.424, -1]]
    assert words.endswith("Past calls marked: 1, settled 0, right 0.")


def test_a_settled_call_says_whether_it_was_right(session: Session, stands: chart_view.Place) -> None:
    call = add_call(session, stands)
    session.add(
        PredictionOutcome(
            prediction_id=call.id,
            outcome="bullish",
            entry=100.0,
            log_return=0.03,
            ambiguous=False,
            t1=datetime(2024, 1, 1, tzinfo=UTC),
            log_loss=1.4,
            brier=0.8,
        )
    )
    session.commit()
    assert "wrong" in shown(session, stands)


def test_a_call_that_is_past_is_not_drawn(session: Session, stands: chart_view.Place) -> None:
    add_call(session, stands)
    later = chart_view.Place(stands.market, stands.name, stands.series, stands.timeframes, stands.timeframe)
    assert chart_rail.forecast(chart_rail.latest_call(session, later), later) is not None
    store(session, "binance:BTC/USDT", walk(40, start_ms=stands.end_ms))
    after = chart_view.place(session, chart_view.read(BTC, now=utc_now()))
    assert after is not None
    assert after.end_ms > START_MS
    assert chart_rail.forecast(chart_rail.latest_call(session, after), after) is None


def test_the_price_above_a_chart_is_the_newest_one_whatever_timeframe_it_is_of(
    session: Session, stands: chart_view.Place, redis_url: str
) -> None:
    hours, end = latest(session, stands.market.id, "1h", 1), to_ms(utc_now().replace(second=0, microsecond=0))
    assert chart_rail.last_price(session, stands) == hours.close[-1]
    minutes = walk(90, start_ms=end - 90 * 60_000, timeframe="1m", seed=4)
    ended = walk(60, start_ms=stands.end_ms - 90 * 86_400_000, timeframe="5m", seed=5)
    store(session, "binance:BTC/USDT", ended, timeframe="5m", followed=True)
    store(session, "binance:BTC/USDT", minutes, timeframe="1m", followed=True)
    assert chart_rail.last_price(session, stands) == minutes.close[-1]
    job_queue.connect(redis_url)
    ticks.publish(Redis.from_url(redis_url), Tick("binance", "BTC/USDT", 4_321.5, to_ms(utc_now()) + 1))
    assert chart_rail.last_price(session, stands) == 4_321.5
