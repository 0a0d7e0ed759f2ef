"""Indicator values: by their definitions, causal, undefined rather than wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ohlcv import Candles, Floats
from market.indicators.catalog import CATALOG, EVERYTHING, parse
from market.indicators.compute import compute, compute_all, warmup
from tests.candles import walk

CANDLES = walk(900)
CLOSE = CANDLES.close
KEYS = [
    *(key for key, entry in CATALOG.items() if not entry.repaints and not entry.back_ms),
    "alma:20:0.5:3",
    "lrc:3:1",
    "cks:5:2:1",
    "fisher:2",
    "crsi:5:3:20",
    "rvgi:2",
    "smi:5:3:4:2",
    "kvo:3:7:2",
    "rvi:5:3",
    "sma:2",
    "ema:2",
    "wma:3",
    "bb:5:0.5",
    "macd:2:3:1",
    "stoch:1:1:1",
    "atr:1",
    "adx:2",
    "rsi:2",
    "vwap:2",
    "supertrend:2:1",
    "psar:0.1:0.5",
    "ichimoku:3:5:9:4",
    "stochrsi:5:5:1:1",
    "keltner:5:20:1",
    "mfi:3",
    "ulcer:5",
    "eom:3",
    "stc:5:3:9",
    "tsi:3:5:2",
    "t3:3",
    "adosc:2:20",
    "roc:1",
]


BY_CALENDAR = [*(key for key, entry in CATALOG.items() if entry.back_ms), "pivots:fibonacci:week", "pivots:camarilla"]


def values(key: str, candles: Candles = CANDLES) -> list[Floats]:
    return list(compute(candles, parse(key)).values())


def windows(series: Floats, bars: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(series, bars)


def smoothed(series: Floats, bars: int, weight: float) -> Floats:
    """An exponential mean begun with the mean of the first `bars` values."""
    out = np.full(len(series), np.nan)
    out[bars - 1] = series[:bars].mean()
    for k in range(bars, len(series)):
        out[k] = out[k - 1] + weight * (series[k] - out[k - 1])
    return out


def true_range(candles: Candles) -> Floats:
    before = candles.close[:-1]
    return np.maximum(candles.high[1:], before) - np.minimum(candles.low[1:], before)


def test_sma_is_the_mean_of_the_window() -> None:
    (sma,) = values("sma:20")
    np.testing.assert_allclose(sma[19:], windows(CLOSE, 20).mean(axis=1), rtol=1e-12)


def test_wma_weighs_the_newest_most() -> None:
    (wma,) = values("wma:9")
    np.testing.assert_allclose(wma[8:], windows(CLOSE, 9) @ np.arange(1, 10) / 45, rtol=1e-12)


def test_ema_begins_with_the_mean_and_then_forgets_it() -> None:
    (ema,) = values("ema:12")
    np.testing.assert_allclose(ema, smoothed(CLOSE, 12, 2 / 13), rtol=1e-12)


def test_macd_is_the_difference_of_two_averages_and_its_average() -> None:
    macd, signal, histogram = values("macd")
    late = warmup(parse("macd"))
    line = smoothed(CLOSE, 12, 2 / 13) - smoothed(CLOSE, 26, 2 / 27)
    np.testing.assert_allclose(macd[late:], line[late:], atol=1e-9)
    np.testing.assert_allclose(signal[late:], smoothed(line[25:], 9, 0.2)[late - 25 :], atol=1e-9)
    np.testing.assert_allclose(histogram[33:], (macd - signal)[33:], atol=1e-12)


def test_rsi_compares_gains_with_losses() -> None:
    (rsi,) = values("rsi:14")
    moves = np.diff(CLOSE)
    gain, loss = (smoothed(np.maximum(sign * moves, 0), 14, 1 / 14) for sign in (1, -1))
    np.testing.assert_allclose(rsi[14:], (100 * gain / (gain + loss))[13:], rtol=1e-10)


def test_stochastic_places_the_close_in_the_range() -> None:
    k, d = values("stoch:14:3:3")
    low, high = windows(CANDLES.low, 14).min(axis=1), windows(CANDLES.high, 14).max(axis=1)
    raw = 100 * (CLOSE[13:] - low) / (high - low)
    np.testing.assert_allclose(k[17:], windows(raw, 3).mean(axis=1)[2:], rtol=1e-10)
    np.testing.assert_allclose(d[17:], windows(windows(raw, 3).mean(axis=1), 3).mean(axis=1), rtol=1e-10)


def test_bollinger_bands_lie_deviations_around_the_mean() -> None:
    upper, middle, lower = values("bb:20:2.5")
    mean, deviation = windows(CLOSE, 20).mean(axis=1), windows(CLOSE, 20).std(axis=1)
    np.testing.assert_allclose(middle[19:], mean, rtol=1e-12)
    np.testing.assert_allclose(upper[19:], mean + 2.5 * deviation, rtol=1e-9)
    np.testing.assert_allclose(lower[19:], mean - 2.5 * deviation, rtol=1e-9)


def test_bollinger_bands_do_not_collapse_for_tiny_prices() -> None:
    tiny = replace(CANDLES, close=CLOSE * 1e-12)
    for one, other in zip(values("bb", tiny), values("bb"), strict=True):
        np.testing.assert_allclose(one * 1e12, other, rtol=1e-9)


def test_atr_smooths_the_true_range() -> None:
    (atr,) = values("atr:14")
    np.testing.assert_allclose(atr[1:], smoothed(true_range(CANDLES), 14, 1 / 14), rtol=1e-10)


def test_adx_smooths_how_much_one_direction_leads() -> None:
    adx, plus, minus = values("adx:14")
    up, down = np.diff(CANDLES.high), -np.diff(CANDLES.low)
    ranges = smoothed(true_range(CANDLES), 14, 1 / 14)
    di = [
        100 * smoothed(np.where((move > other) & (move > 0), move, 0.0), 14, 1 / 14) / ranges
        for move, other in ((up, down), (down, up))
    ]
    lead = 100 * np.abs(di[0] - di[1]) / (di[0] + di[1])
    late = warmup(parse("adx"))
    np.testing.assert_allclose(plus[late:], di[0][late - 1 :], rtol=1e-8)
    np.testing.assert_allclose(minus[late:], di[1][late - 1 :], rtol=1e-8)
    np.testing.assert_allclose(adx[late:], smoothed(lead[13:], 14, 1 / 14)[late - 14 :], rtol=1e-8)


def test_obv_adds_and_takes_the_volume() -> None:
    (obv,) = values("obv")
    signed = np.concatenate((CANDLES.volume[:1], np.sign(np.diff(CLOSE)) * CANDLES.volume[1:]))
    np.testing.assert_allclose(obv, np.cumsum(signed), rtol=1e-9)


def test_vwap_weighs_typical_prices_by_volume() -> None:
    (vwap,) = values("vwap:14")
    typical = (CANDLES.high + CANDLES.low + CLOSE) / 3
    expected = windows(typical * CANDLES.volume, 14).sum(axis=1) / windows(CANDLES.volume, 14).sum(axis=1)
    np.testing.assert_allclose(vwap[13:], expected, rtol=1e-10)


def test_vwap_is_undefined_where_nothing_was_traded() -> None:
    silent = replace(CANDLES, volume=np.where((np.arange(900) > 400) & (np.arange(900) < 430), 0.0, CANDLES.volume))
    (vwap,) = values("vwap:14", silent)
    assert np.nonzero(np.isnan(vwap[13:]))[0].tolist() == list(range(414 - 13, 430 - 13))


def test_rsi_of_a_price_that_never_moved_is_undefined() -> None:
    still = replace(CANDLES, close=np.where(np.arange(900) < 100, 5.0, CLOSE))
    (rsi,) = values("rsi:14", still)
    assert np.isnan(rsi[:100]).all()
    assert not np.isnan(rsi[100:]).any()
    assert np.isnan(values("rsi:14", replace(CANDLES, close=np.full(900, 5.0)))[0]).all()


@pytest.mark.parametrize("key", KEYS)
def test_warm_up_is_undefined_and_ends_where_the_catalogue_says(key: str) -> None:
    chosen = parse(key)
    first = chosen.indicator.first(*chosen.values)
    lines = values(key)
    assert all(len(line) == 900 for line in lines)
    assert any(np.isnan(line[:first]).all() for line in lines)
    assert not any(np.isnan(line[first:]).any() for line in lines)


@pytest.mark.parametrize("key", KEYS)
def test_frames_shorter_than_the_window_are_undefined(key: str) -> None:
    chosen = parse(key)
    whole = values(key)
    for n in range(chosen.indicator.first(*chosen.values) + 1):
        lines = values(key, CANDLES[:n])
        assert n == 0 or any(np.isnan(line).all() for line in lines)
        assert all(np.array_equal(line, long[:n], equal_nan=True) for line, long in zip(lines, whole, strict=True))


@pytest.mark.parametrize("key", KEYS)
def test_where_the_series_begins_is_forgotten_after_the_warm_up(key: str) -> None:
    chosen = parse(key)
    if warmup(chosen) == EVERYTHING:  # a running sum never forgets, which is what the number says
        assert key in {"obv", "ad", "pvt"}
        return
    late = 100 + warmup(chosen)
    candles = walk(late + 300)
    for whole, part in zip(values(key, candles), values(key, candles[100:]), strict=True):
        np.testing.assert_allclose(part[late - 100 :], whole[late:], rtol=1e-8, atol=1e-8)
        assert len(whole[late:]) == 300


@pytest.mark.parametrize("key", ["supertrend:10:3", "supertrend:50:10", "supertrend:2:1", "psar", "psar:0.005:0.01"])
def test_trailing_stops_meet_within_their_warm_up(key: str) -> None:
    late = warmup(parse(key))
    for seed in range(20):
        candles = walk(100 + late + 500, seed=seed)
        for whole, part in zip(values(key, candles), values(key, candles[100:]), strict=True):
            np.testing.assert_allclose(part[late:], whole[100 + late :], rtol=1e-8)


@pytest.mark.parametrize("key", KEYS + BY_CALENDAR)
def test_a_series_cut_anywhere_has_the_same_beginning(key: str) -> None:
    whole = values(key)
    for n in (1, 30, 101, 433, 760, 899):
        for line, part in zip(whole, values(key, CANDLES[:n]), strict=True):
            assert np.array_equal(line[:n], part, equal_nan=True)


@pytest.mark.parametrize("key", KEYS + BY_CALENDAR)
def test_tiny_prices_give_the_same_as_large_ones(key: str) -> None:
    tiny = 2.0**-40  # a power of two changes no digit
    small = replace(CANDLES, **{name: getattr(CANDLES, name) * tiny for name in ("open", "high", "low", "close")})
    for line, other in zip(values(key), values(key, small), strict=True):
        scales = (1.0, tiny, tiny * tiny)  # ratios, prices, and ease of movement
        assert any(np.allclose(line * scale, other, rtol=1e-6, atol=0, equal_nan=True) for scale in scales)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KEYS + BY_CALENDAR), st.integers(0, 300), st.integers(0, 300), st.integers(0, 2**16))
def test_later_bars_never_change_earlier_values(key: str, n: int, more: int, seed: int) -> None:
    candles = walk(n + more, seed=seed)
    for whole, part in zip(values(key, candles), values(key, candles[:n]), strict=True):
        assert np.array_equal(whole[:n], part, equal_nan=True)


ODD = [0.0, np.nan, np.inf, -np.inf, 1e-300, 1e300, 1.0, 1.0, 1.0]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KEYS + BY_CALENDAR),
    st.lists(st.tuples(*[st.sampled_from(ODD)] * 5), max_size=80),
    st.integers(0, 100),
)
def test_no_input_raises_or_gives_an_infinity(key: str, rows: list[tuple[float, ...]], sound: int) -> None:
    tail = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    good = walk(sound)
    columns = (np.concatenate(pair) for pair in zip(list(good.columns())[1:], tail, strict=True))
    candles = Candles(walk(sound + len(rows)).time, *columns)  # type: ignore[arg-type]
    for line in values(key, candles):
        assert len(line) == len(candles)
        assert not np.isinf(line).any()


@pytest.mark.parametrize("key", KEYS + BY_CALENDAR)
@pytest.mark.parametrize("column", ["high", "low", "close", "volume"])
def test_from_an_undefined_candle_on_everything_is_undefined(key: str, column: str) -> None:
    holed = getattr(CANDLES, column).copy()
    holed[600] = np.nan
    for line, clean in zip(values(key, replace(CANDLES, **{column: holed})), values(key), strict=True):
        assert np.isnan(line[600:]).all()
        assert np.array_equal(line[:600], clean[:600], equal_nan=True)


@pytest.mark.parametrize("key", KEYS + BY_CALENDAR)
def test_flat_and_silent_markets_have_no_infinities(key: str) -> None:
    one = np.ones(900)
    for line in values(key, Candles(CANDLES.time, one, one, one, one, 0 * one)):
        assert not np.isinf(line).any()


def test_several_indicators_at_once_are_the_same() -> None:
    chosen = [parse(key) for key in KEYS + BY_CALENDAR]
    together = compute_all(CANDLES, chosen)
    assert list(together) == [each.key for each in chosen]
    for each in chosen:
        for name, line in compute(CANDLES, each).items():
            assert np.array_equal(together[each.key][name], line, equal_nan=True)


def test_candles_are_not_changed_by_calculating() -> None:
    before = [column.copy() for column in CANDLES.columns()]
    compute_all(CANDLES, [parse(key) for key in KEYS + BY_CALENDAR])
    assert all(np.array_equal(a, b) for a, b in zip(before, CANDLES.columns(), strict=True))
