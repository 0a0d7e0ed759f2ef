"""Pivot points and the day's VWAP, against loops over days, weeks and months written out here."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.ohlcv import Candles, Floats
from market.indicators.by_calendar import step_of
from market.indicators.catalog import parse
from market.indicators.compute import compute, newest, warmup
from tests.candles import START_MS, walk

HOUR, DAY = 3_600_000, 86_400_000
LEVELS = ("p", "r1", "r2", "r3", "s1", "s2", "s3")


def lines(key: str, candles: Candles) -> dict[str, Floats]:
    return compute(candles, parse(key))


def began(ms: int, period: str) -> datetime:
    day = datetime.fromtimestamp(ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[period]


def by_hand(kind: str, high: float, low: float, close: float) -> dict[str, float]:
    p, wide = (high + low + close) / 3, high - low
    found = {"p": p}
    for n in (1, 2, 3):
        if kind == "fibonacci":
            off = {1: 0.382, 2: 0.618, 3: 1.0}[n] * wide
            found |= {f"r{n}": p + off, f"s{n}": p - off}
        elif kind == "camarilla":
            off = 1.1 * wide / {1: 12, 2: 6, 3: 4}[n]
            found |= {f"r{n}": close + off, f"s{n}": close - off}
    if kind == "classic":
        found |= {"r1": 2 * p - low, "r2": p + wide, "r3": 2 * p - low + wide}
        found |= {"s1": 2 * p - high, "s2": p - wide, "s3": 2 * p - high - wide}
    return found


@pytest.mark.parametrize("kind", ["classic", "fibonacci", "camarilla"])
@pytest.mark.parametrize(("period", "timeframe", "n"), [("day", "1h", 200), ("week", "4h", 200), ("month", "1d", 120)])
def test_levels_are_those_of_the_period_before(kind: str, period: str, timeframe: str, n: int) -> None:
    made = walk(n, timeframe)
    groups: dict[datetime, list[int]] = defaultdict(list)
    for k, ms in enumerate(made.time.tolist()):
        groups[began(ms, period)].append(k)
    begins, found = sorted(groups), lines(f"pivots:{kind}:{period}", made)
    whole = began(START_MS, period) == datetime.fromtimestamp(START_MS / 1000, UTC)
    assert len(begins) >= 4
    for place, begin in enumerate(begins):
        for k in groups[begin]:
            if place == 0 or (place == 1 and not whole):
                assert all(np.isnan(found[name][k]) for name in LEVELS)
                continue
            last = groups[begins[place - 1]]
            expected = by_hand(kind, made.high[last].max(), made.low[last].min(), made.close[last[-1]])
            assert {name: found[name][k] for name in LEVELS} == pytest.approx(expected, rel=1e-12)


def test_levels_of_a_running_period_do_not_depend_on_its_own_bars() -> None:
    made = walk(60)
    wild = made.high.copy()
    wild[48:] *= 10
    for name, line in lines("pivots:classic:day", made).items():
        np.testing.assert_array_equal(line[:60], lines("pivots:classic:day", replace(made, high=wild))[name])


def test_a_day_without_candles_leaves_the_next_one_without_levels() -> None:
    made = walk(120)
    holed = made[(made.time < START_MS + 2 * DAY) | (made.time >= START_MS + 3 * DAY)]
    (p, *_) = lines("pivots:classic:day", holed).values()
    assert np.isnan(p[48:72]).all()
    assert not np.isnan(p[24:48]).any()
    assert not np.isnan(p[72:]).any()


def test_a_first_day_that_is_not_whole_gives_no_levels() -> None:
    (p, *_) = lines("pivots:classic:day", walk(100)[5:]).values()
    assert np.isnan(p[: 48 - 5]).all()
    assert not np.isnan(p[48 - 5 :]).any()


@pytest.mark.parametrize(("key", "timeframe"), [("pivots:classic:day", "1w"), ("pivots:classic:month", "1w")])
def test_bars_that_do_not_fit_the_period_have_no_levels(key: str, timeframe: str) -> None:
    assert all(np.isnan(line).all() for line in lines(key, walk(50, timeframe)).values())


def test_weekly_bars_have_weekly_levels() -> None:
    made = walk(30, "1w")
    (p, *_) = lines("pivots:classic:week", made).values()
    np.testing.assert_allclose(p[1:], ((made.high + made.low + made.close) / 3)[:-1], rtol=1e-12)


def test_the_vwap_of_a_day_begins_anew_at_midnight() -> None:
    made = walk(100)
    found = lines("svwap:1.5", made)
    for k in range(100):
        part = slice(k // 24 * 24, k + 1)
        price, volume = (made.high[part] + made.low[part] + made.close[part]) / 3, made.volume[part]
        mean = np.average(price, weights=volume)
        spread = np.sqrt(np.average((price - mean) ** 2, weights=volume))
        expected = [mean + n * 1.5 * spread for n in (2, 1, 0, -1, -2)]
        assert [line[k] for line in found.values()] == pytest.approx(expected, rel=1e-9)


def test_a_day_without_trades_has_no_vwap_until_there_is_one() -> None:
    made = walk(72)
    silent = made.volume.copy()
    silent[24:30] = 0
    (vwap,) = (line for name, line in lines("svwap", replace(made, volume=silent)).items() if name == "vwap")
    assert np.nonzero(np.isnan(vwap))[0].tolist() == list(range(24, 30))


def test_a_day_that_is_not_whole_has_no_vwap_and_neither_have_weeks() -> None:
    vwap = lines("svwap", walk(50)[5:])["vwap"]
    assert np.isnan(vwap[:19]).all()
    assert not np.isnan(vwap[19:]).any()
    assert np.isnan(lines("svwap", walk(20, "1w"))["vwap"]).all()


@pytest.mark.parametrize(
    ("key", "step", "bars"),
    [("svwap", HOUR, 24), ("svwap", 60_000, 1_440), ("pivots:classic:week", HOUR, 336), ("pivots", 7 * DAY, 1)],
)
def test_the_warm_up_is_as_long_as_the_calendar_needs(key: str, step: int, bars: int) -> None:
    assert warmup(parse(key), step) == bars


def test_a_month_of_hours_looks_back_far_enough() -> None:
    made, chosen = walk(3_000), parse("pivots:fibonacci:month")
    assert newest(made, [chosen])[chosen.key]["p"] == compute(made, chosen)["p"][-1]


def test_how_long_a_bar_is_is_told_by_the_shortest_step() -> None:
    made = walk(50)
    assert step_of(made[np.arange(50) % 7 != 3]) == HOUR
    assert step_of(made[:1]) == 60_000
