"""What repaints: turning points are where they should be, confirmed ones stay, and nothing else gets any of it."""

import numpy as np
import pytest

from core.errors import Refused
from core.ohlcv import Candles, Floats
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute, warmup
from market.indicators.hindsight import turning_points
from tests.candles import walk

REPAINTING = [key for key, entry in CATALOG.items() if entry.repaints]


def lines(key: str, candles: Candles) -> dict[str, Floats]:
    return compute(candles, parse(key, repainting=True))


def of_closes(*closes: float) -> Candles:
    close = np.array(closes, dtype=np.float64)
    return Candles(walk(len(close)).time, close, close, close, close, np.ones(len(close)))


def test_legs_go_from_turning_point_to_turning_point() -> None:
    up, down = np.linspace(100, 120, 11), np.linspace(120, 90, 11)
    made = of_closes(*up, *down[1:], *np.linspace(90, 110, 11)[1:], *np.linspace(110, 104, 4)[1:])
    assert turning_points(made, 5, 4) == [(10, 120.0, True), (20, 90.0, False), (30, 110.0, True)]
    found = lines("zigzag:5:4", made)
    np.testing.assert_allclose(found["zigzag"][10:21], down)
    assert np.isnan(found["zigzag"][21:]).all()
    np.testing.assert_allclose(found["open"][20:31], np.linspace(90, 110, 11))
    assert found["open"][-1] == 104.0


def test_a_move_that_is_too_small_is_no_leg() -> None:
    made = of_closes(
        *np.linspace(100, 120, 11), *np.linspace(120, 117, 6)[1:], *np.linspace(117, 130, 11)[1:], 129, 128
    )
    assert [k for k, *_ in turning_points(made, 5, 4)] == [25]
    assert [k for k, *_ in turning_points(made, 2, 4)] == [10, 15, 25]


def pivots_by_hand(candles: Candles, deviation: float, side: int) -> list[tuple[int, float, bool]]:
    found: list[tuple[int, float, bool]] = []
    for k in range(side, len(candles) - side):
        for series, high in ((candles.high, True), (candles.low, False)):
            sign = 1 if high else -1
            around = sign * series[k - side : k + side + 1]
            if not (around[side] > around[:side].max() and around[side] >= around[side + 1 :].max()):
                continue
            new = (k, float(series[k]), high)
            if not found:
                found = [new]
            elif found[-1][2] == high:
                found[-1] = max(found[-1], new, key=lambda one: (sign * one[1], -one[0]))
            elif sign * (new[1] / found[-1][1] - 1) * 100 >= deviation:
                found.append(new)
    return found


@pytest.mark.parametrize(("deviation", "depth"), [(5.0, 10), (1.0, 4), (12.0, 30)])
def test_turning_points_are_those_of_a_loop_over_all_bars(deviation: float, depth: int) -> None:
    for seed in range(3):
        made = walk(700, seed=seed)
        assert turning_points(made, deviation, depth) == pivots_by_hand(made, deviation, depth // 2)


def test_confirmed_legs_never_move() -> None:
    made = walk(600)
    whole = lines("zigzag:3:6", made)["zigzag"]
    for n in range(20, 600, 17):
        part = lines("zigzag:3:6", made[:n])["zigzag"]
        known = ~np.isnan(part)
        np.testing.assert_array_equal(part[known], whole[:n][known])


def test_the_legs_that_may_still_move_are_apart_from_those_that_stand() -> None:
    found = lines("zigzag:3:6", walk(600))
    both = ~np.isnan(found["zigzag"]) & ~np.isnan(found["open"])
    assert both.sum() == 1  # where one ends and the other begins
    assert not np.isnan(found["open"][-1])


def test_fractals_stand_out_from_the_bars_on_either_side() -> None:
    made = walk(400)
    found = lines("fractals:2", made)
    for k in range(400):
        around = [j for j in range(k - 2, k + 3) if j != k]
        inside = 2 <= k < 398
        top = inside and all(made.high[k] > made.high[j] for j in around)
        bottom = inside and all(made.low[k] < made.low[j] for j in around)
        assert (found["top"][k] == made.high[k]) == top
        assert (found["bottom"][k] == made.low[k]) == bottom


def test_a_zigzag_forgets_where_the_series_began() -> None:
    late = 100 + warmup(parse("zigzag", repainting=True))
    for seed in range(5):
        made = walk(late + 400, seed=seed)
        whole, part = (lines("zigzag", one)["zigzag"] for one in (made, made[100:]))
        np.testing.assert_allclose(part[late - 100 :], whole[late:], rtol=1e-12)


@pytest.mark.parametrize("key", REPAINTING)
def test_they_do_repaint_and_are_refused_wherever_values_are_taken_from(key: str) -> None:
    made = walk(300)
    whole = lines(key, made)
    cuts = ((n, name, line) for n in range(200, 220) for name, line in lines(key, made[:n]).items())
    assert any(not np.array_equal(line, whole[name][:n], equal_nan=True) for n, name, line in cuts)
    with pytest.raises(Refused, match="repaints"):
        parse(key)
