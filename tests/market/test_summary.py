"""The figures of a watch-list: what a change is measured from, what stale hides, and laws that hold for any prices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from market import summary
from market.summary import DAY_MS, HOUR_MS, SCALE, SLOTS, WEEK_MS, Line, Point, Summary, breadth, summarise

NOW = 1_735_516_800_000  # a whole day, UTC
MINUTE = 60_000
PRICES = some.floats(1e-9, 1e9)


def line(closes: list[float], *, end: int = NOW, step: int = HOUR_MS) -> Line:
    """Candles of which the last closes at `end`."""
    n = len(closes)
    time = end - step * np.arange(n, 0, -1, dtype=np.int64)
    return Line(step, time, np.array(closes), np.ones(n))


def figures(last: float, past: dict[str, float | None] | None = None, *, age: int = 0, **more) -> Summary:
    told = more.pop("line", line([last] * 200))
    return summarise(Point(NOW - age, last), past or {}, told, step_ms=MINUTE, now_ms=NOW)


def test_changes_go_from_the_candle_a_window_ago_to_the_last_price() -> None:
    found = figures(110.0, {"hour": 100.0, "day": 88.0, "week": None})
    assert found.changes == {"hour": pytest.approx(0.1), "day": pytest.approx(0.25), "week": None}
    assert found.past == {"hour": 100.0, "day": 88.0, "week": None}


def test_a_tick_counts_only_when_it_is_newer_than_the_candle() -> None:
    closed, tick = Point(NOW, 10.0), Point(NOW + 1, 11.0)
    assert summary.newest_of(closed, tick) is tick
    assert summary.newest_of(closed, Point(NOW, 11.0)) is closed
    assert summary.newest_of(closed, None) is closed


@pytest.mark.parametrize(
    ("age", "stale", "kept"),
    [
        (2 * MINUTE, False, {"hour", "day", "week"}),
        (2 * MINUTE + 1, True, {"day", "week"}),
        (DAY_MS + 1, True, {"week"}),
        (WEEK_MS + 1, True, set()),
    ],
)
def test_a_stale_price_has_no_change_over_a_shorter_window(age: int, stale: bool, kept: set[str]) -> None:
    found = figures(100.0, {"hour": 99.0, "day": 98.0, "week": 97.0}, age=age)
    assert found.stale is stale
    assert {name for name, change in found.changes.items() if change is not None} == kept
    assert found.last.price == 100.0


def test_the_candle_a_window_ago_may_be_a_little_earlier_and_never_later() -> None:
    for name, (latest, earliest) in summary.look_back(NOW).items():
        assert NOW - latest == summary.WINDOWS[name]
        assert latest - earliest == summary.WINDOWS[name] // 24


def test_the_last_price_comes_from_the_newest_and_finest_candles() -> None:
    spans = {"1m": (NOW - DAY_MS, NOW), "1h": (NOW - WEEK_MS, NOW), "1d": (0, NOW)}
    assert summary.choose_timeframes(spans) == ("1m", "1h")
    assert summary.choose_timeframes({"5m": (0, NOW), "1h": (0, NOW - DAY_MS)}) == ("5m", "5m")
    assert summary.choose_timeframes({"1d": (0, NOW)}) == ("1d", "1d")


def test_a_window_starts_from_the_finest_candles_that_reach_back_so_far() -> None:
    spans = {"1m": (NOW - 3 * DAY_MS, NOW), "1h": (NOW - 99 * DAY_MS, NOW)}
    places = summary.look_back(NOW + MINUTE)
    assert summary.covering(spans, *places["day"]) == "1m"
    assert summary.covering(spans, *places["week"]) == "1h"
    assert summary.covering({"1d": (0, NOW)}, *places["hour"]) is None
    assert summary.covering({"1m": (NOW, NOW)}, *places["day"]) is None


def test_volume_is_that_of_a_whole_day_or_none() -> None:
    whole = line([2.0] * 30)
    assert figures(2.0, line=whole).volume == 48.0
    holed = Line(HOUR_MS, np.delete(whole.time, -3), np.delete(whole.close, -3), np.delete(whole.volume, -3))
    assert figures(2.0, line=holed).volume is None
    assert figures(2.0, line=line([2.0] * 23)).volume is None
    assert figures(2.0, line=line([2.0] * 3, step=WEEK_MS)).volume is None
    assert figures(2.0, line=line([])).volume is None


def test_the_weeks_line_ends_at_the_last_price_and_keeps_gaps() -> None:
    week = line(list(np.linspace(10, 20, 168)))
    found = figures(30.0, line=week)
    assert len(found.spark) == SLOTS + 1
    assert (found.spark[0], found.spark[-1]) == (0, SCALE)
    holed = Line(HOUR_MS, np.delete(week.time, slice(50, 60)), np.delete(week.close, slice(50, 60)), np.ones(158))
    gaps = [k for k, height in enumerate(figures(30.0, line=holed).spark) if height is None]
    assert gaps
    assert gaps == list(range(gaps[0], gaps[-1] + 1))
    assert figures(1.0, line=line([])).spark == ()
    assert set(figures(5.0, line=line([5.0] * 168)).spark) == {round(SCALE / 2)}


@given(some.lists(PRICES, min_size=30, max_size=200), PRICES, some.floats(0.001, 1_000))
def test_another_unit_of_money_changes_no_share_and_no_line(closes: list[float], last: float, unit: float) -> None:
    past = {"hour": closes[0], "day": closes[1], "week": closes[2]}
    one = figures(last, past, line=line(closes))
    other = figures(last * unit, {k: v * unit for k, v in past.items()}, line=line([close * unit for close in closes]))
    for name, change in one.changes.items():
        assert other.changes[name] == pytest.approx(change, rel=1e-9, abs=1e-9)
    assert all(abs((a or 0) - (b or 0)) <= 1 for a, b in zip(one.spark, other.spark, strict=True))
    assert one.volume is not None
    assert other.volume == pytest.approx(one.volume * unit)


@given(some.lists(some.one_of(some.none(), some.floats(-0.9, 9)), max_size=30))
def test_every_market_with_a_change_rose_fell_or_stood_still(changes: list[float | None]) -> None:
    rows = [figures(1.0, {"day": None if c is None else 1 / (1 + c)}) for c in changes]
    known = [c for row in rows if (c := row.changes["day"]) is not None]
    told = breadth(rows)
    if not known:
        assert told is None
        return
    assert told is not None
    assert told.n == len(known)
    assert told.up + told.down + sum(c == 0 for c in known) == told.n
    assert min(known) <= told.median <= max(known)
    assert min(known) - 1e-12 <= told.mean <= max(known) + 1e-12
    assert abs(rows[told.largest].changes["day"] or 0) == max(map(abs, known))
    assert told.of == len(rows)


def test_breadth_counts_each_window_by_itself() -> None:
    rows = [
        figures(2.0, {"day": 1.0, "week": 4.0}, line=line([1.0] * 168)),
        figures(1.0, {"day": 2.0}, line=line([3.0] * 168)),
        figures(1.0, {}, age=WEEK_MS * 9),
    ]
    told = breadth(rows)
    assert told is not None
    assert (told.n, told.up, told.down, told.week_n, told.week_up) == (2, 1, 1, 1, 0)
    assert (told.average_n, told.above, told.fresh, told.of, told.largest) == (2, 1, 2, 3, 0)
    assert math.isclose(told.median, 0.25)
