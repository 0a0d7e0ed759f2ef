"""The Charts page asks for its indicators at the bar that forms: from the last tick, told and never kept."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dash.exceptions import PreventUpdate
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

import core.job_queue
from callbacks import chart_forming
from core import ticks
from core.ohlcv import Candles
from core.roles import Role
from core.ticks import Tick
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.candle_data import START_MS, store, walk
from tests.fire import fire
from tests.web import SignIn

HOUR = 3_600_000
MADE = walk(700)
BTC = "binance/BTC-USDT"


@pytest.fixture
def redis(redis_url: str, session: Session) -> Redis:
    core.job_queue.connect(redis_url)
    store(session, "binance:BTC/USDT", MADE[:699], followed=True)
    return Redis.from_url(redis_url)


def bar_of(candles: Candles, k: int) -> list[float]:
    return [float(column[k]) for column in candles.columns()]


def publish(redis: Redis, bar: list[float], tf: str = "1h", **more: Any) -> Tick:
    tick = replace(Tick("binance", "BTC/USDT", bar[4], int(bar[0]) + 1, bars={tf: bar}), **more)
    ticks.publish(redis, tick)
    return tick


def ask(ind: str, tf: str = "1h") -> dict[str, Any]:
    return chart_forming.tell({"n": 7}, {"market": BTC, "tf": tf, "ind": ind, "seq": 3})


def test_the_values_are_those_of_the_closed_bars_and_the_one_that_forms(redis: Redis) -> None:
    publish(redis, bar_of(MADE, 699))
    told = ask("ema:20,macd,!sma:5")
    assert (told["n"], told["key"], told["ind"]) == (7, f"{BTC}@1h", "ema:20,macd:12:26:9,!sma:5")
    assert (told["time"], told["after"]) == (START_MS + 699 * HOUR, START_MS + 698 * HOUR)
    assert set(told["values"]) == {
        "ema:20/ema",
        "macd:12:26:9/macd",
        "macd:12:26:9/signal",
        "macd:12:26:9/histogram",
    }
    assert told["values"]["ema:20/ema"] == pytest.approx(compute(MADE, parse("ema:20"))["ema"][-1], rel=1e-9)


def test_running_sums_are_told_as_steps(redis: Redis) -> None:
    publish(redis, bar_of(MADE, 699))
    line = compute(MADE, parse("obv"))["obv"]
    assert ask("obv")["steps"] == {"obv/obv": pytest.approx(line[-1] - line[-2])}


def test_bars_put_together_of_shorter_ones_count_only_once_they_are_whole(redis: Redis, session: Session) -> None:
    """698 whole hours are 174 whole bars of four; the two hours after them are part of the bar that forms."""
    four = [MADE[4 * k : 4 * k + 4] for k in range(175)]
    last = four[174]
    bar = [
        float(last.time[0]),
        float(last.open[0]),
        float(last.high.max()),
        float(last.low.min()),
        float(last.close[-1]),
        1.0,
    ]
    publish(redis, bar, "4h")
    told = ask("sma:5", "4h")
    assert told["after"] == int(four[173].time[0])
    closes = [float(part.close[-1]) for part in four[-5:]]
    assert told["values"]["sma:5/sma"] == pytest.approx(np.mean(closes))


def test_what_repaints_is_left_out(redis: Redis) -> None:
    publish(redis, bar_of(MADE, 699))
    assert set(ask("zigzag:2,rsi:14")["values"]) == {"rsi:14/rsi"}
    assert ask("zigzag:2") == {"n": 7}


def test_what_looks_at_the_volume_is_left_out_where_only_prices_are_told(redis: Redis) -> None:
    publish(redis, bar_of(MADE, 699), source="ticks")
    told = ask("vwap:14,rsi:14,obv")
    assert set(told["values"]) == {"rsi:14/rsi"}
    assert told["steps"] == {}


@pytest.mark.parametrize("shift", [-1, 1, 24])
def test_a_bar_that_does_not_follow_the_newest_closed_one_gives_no_values(redis: Redis, shift: int) -> None:
    bar = bar_of(MADE, 699)
    publish(redis, [bar[0] + shift * HOUR, *bar[1:]])
    assert ask("ema:20") == {"n": 7}


def test_a_bar_that_contradicts_itself_gives_no_values(redis: Redis) -> None:
    bar = bar_of(MADE, 699)
    publish(redis, [*bar[:2], bar[3] / 2, *bar[3:]])
    assert ask("ema:20") == {"n": 7}


def test_without_a_tick_or_without_redis_there_are_no_values(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    redis.delete(ticks.LAST)
    assert ask("ema:20") == {"n": 7}
    publish(redis, bar_of(MADE, 699))
    away = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(core.job_queue, "redis", lambda: away)
    assert ask("ema:20") == {"n": 7}


def test_a_market_that_is_not_there_has_none(redis: Redis) -> None:
    assert chart_forming.tell({"n": 1}, {"market": "binance/NO-SUCH", "ind": "ema:20"}) == {"n": 1}


@pytest.mark.parametrize("asked", [None, {}, {"n": "1"}, [1]])
def test_what_is_no_question_is_not_answered(redis: Redis, asked: Any) -> None:
    with pytest.raises(PreventUpdate):
        chart_forming.tell(asked, {"market": BTC, "ind": "ema:20"})


def kept(session: Session, redis: Redis) -> dict[str, Any]:
    """Every row of every table, and every key of Redis with what it holds."""
    session.rollback()
    tables = inspect(session.get_bind()).get_table_names()
    rows = {name: sorted(map(str, session.execute(text(f'SELECT * FROM "{name}"')).all())) for name in tables}
    return {**rows, "redis": {key: redis.dump(key) for key in redis.scan_iter() if b":cache:" not in key}}


def test_nothing_of_it_is_kept_anywhere(redis: Redis, session: Session) -> None:
    publish(redis, bar_of(MADE, 699))
    before = kept(session, redis)
    assert len(before) > 20
    assert ask("ema:20,obv,bb")["values"]
    assert kept(session, redis) == before


def test_a_viewer_who_is_signed_in_is_answered_in_few_bytes(signed_in: SignIn, redis: Redis) -> None:
    publish(redis, bar_of(MADE, 699))
    view = {"market": BTC, "tf": "1h", "ind": "ema:20,bb,rsi"}
    answer = fire(signed_in(Role.VIEWER), {"charts-forming.data": {"n": 1}}, {"charts-view.data": view})
    told = answer.get_json()["response"]["charts-formed"]["data"]
    assert len(told["values"]) == 5
    assert len(json.dumps(told)) < 500
