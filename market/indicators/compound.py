"""Oscillators of several steps. By TA-Lib's parts; what remembers its own last value is written out here."""

import numpy as np

from core.ohlcv import Candles, Floats
from market.indicators.indicator import LONGEST, Indicator, Output, Param, bars, ema_settles, wilder_settles
from market.indicators.talib_functions import talib
from market.indicators.undefined import ratio, where_still

ZERO = (0.0,)
FISHER_END = 0.999  # Ehlers' own: the logarithm has no value at 1
FISHER_SETTLES = 80  # what is left of a beginning shrinks by a third, then by half, with each bar
VIGOR = np.array([1.0, 2.0, 2.0, 1.0]) / 6  # Ehlers' symmetric weights
STREAKS_KNOWN = 100  # bars in which a run of closes in one direction has surely ended


def fisher(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(Fisher, the one before): ½·ln((1 + v)/(1 − v)) of the bars' middles' smoothed place in their range (Ehlers)."""
    middle = talib.MEDPRICE(candles.high, candles.low)
    low, wide = talib.MIN(middle, bars), talib.MAX(middle, bars) - talib.MIN(middle, bars)
    place = np.nan_to_num(ratio(middle - low, wide), nan=0.5)
    line = np.full(len(middle), np.nan)
    value = made = 0.0
    for k in range(bars - 1, len(middle)):
        value = min(max(0.66 * (float(place[k]) - 0.5) + 0.67 * value, -FISHER_END), FISHER_END)
        line[k] = made = 0.5 * float(np.log((1 + value) / (1 - value))) + 0.5 * made
    return line, np.concatenate((np.full(min(1, len(line)), np.nan), line[:-1]))


def connors_rsi(candles: Candles, bars: int, streak: int, rank: int) -> tuple[Floats, ...]:
    """Mean of the RSI, the RSI of how many closes in a row went one way, and the rank of the last move; 0 … 100."""
    close = candles.close
    first, run = where_still(talib.RSI(close, bars), close), _streaks(close)
    return ((first + talib.RSI(run, streak) + talib.PERCENTRANK(talib.ROC(close, 1), rank)) / 3,)


def vigor(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(relative vigor, its signal): body over range, each smoothed over 4 bars and summed over `bars` (Ehlers)."""
    body, wide = _symmetric(candles.close - candles.open), _symmetric(candles.high - candles.low)
    line = ratio(talib.SUM(body, bars), talib.SUM(wide, bars))
    return line, _symmetric(line)


def stochastic_momentum(candles: Candles, bars: int, fast: int, slow: int, signal: int) -> tuple[Floats, ...]:
    """(SMI, its EMA): the close off the middle of the range over half that range, both smoothed twice; ±100 (Blau)."""
    lines: tuple[Floats, ...] = talib.SMI(candles.high, candles.low, candles.close, bars, fast, slow, signal)
    return lines


def klinger(candles: Candles, fast: int, slow: int, signal: int) -> tuple[Floats, ...]:
    """(oscillator, its EMA): fast less slow EMA of the volume force (Klinger), both begun with its first value.

    The force is the volume times |2·range/Σ range of the bars of this trend − 1|, signed by the trend; the trend
    turns when high + low + close does.
    """
    force = _force(candles)
    line = _average(force, 2 / (fast + 1)) - _average(force, 2 / (slow + 1))
    line[:slow] = np.nan
    return line, talib.EMA(line, signal)


def _force(candles: Candles) -> Floats:
    total = (candles.high + candles.low + candles.close).tolist()
    ranges, volume = (candles.high - candles.low).tolist(), candles.volume.tolist()
    force = np.full(len(total), np.nan)
    trend, summed = 0, 0.0
    for k in range(1, len(total)):
        turned = int(total[k] > total[k - 1]) - int(total[k] < total[k - 1])
        if turned and turned != trend:
            trend, summed = turned, ranges[k - 1]
        summed += ranges[k]
        share = abs(2 * ranges[k] / summed - 1) if summed else 0.0
        force[k] = 100 * volume[k] * share * (1 if trend > 0 else -1)
    return force


def _average(series: Floats, weight: float) -> Floats:
    """An exponential mean of everything from the second value on, begun with that."""
    made = np.full(len(series), np.nan)
    value = float(series[1]) if len(series) > 1 else 0.0
    for k, each in enumerate(series[1:].tolist(), 1):
        value += weight * (each - value)
        made[k] = value
    return made


def _streaks(close: Floats) -> Floats:
    """How many closes in a row rose (above 0) or fell (below 0) up to each bar; 0 where it stood still."""
    sign = np.sign(np.diff(close, prepend=close[:1]))
    place = np.arange(len(close))
    begun = np.maximum.accumulate(np.where(np.diff(sign, prepend=np.nan) != 0, place, 0)) if len(close) else place
    return np.asarray(sign * (place - begun + 1), dtype=np.float64)


def _symmetric(series: Floats) -> Floats:
    made = np.full(len(series), np.nan)
    if len(series) >= len(VIGOR):
        made[len(VIGOR) - 1 :] = np.lib.stride_tricks.sliding_window_view(series, len(VIGOR)) @ VIGOR
    return made


def _connors_first(bars: int, streak: int, rank: int) -> int:
    return max(bars, streak, rank + 1)


def _connors_settled(bars: int, streak: int, rank: int) -> int:
    return max(bars + wilder_settles(bars), STREAKS_KNOWN + streak + wilder_settles(streak), rank + 1)


def _klinger_settled(_fast: int, slow: int, signal: int) -> int:
    return STREAKS_KNOWN + slow + ema_settles(slow) + ema_settles(signal)


ENTRIES = (
    Indicator(
        "fisher",
        "Fisher transform",
        (bars(9),),
        "own",
        (Output("fisher", "Fisher"), Output("trigger", "Trigger")),
        fisher,
        "Ehlers' transform of where prices stand in their range: sharp turns, without an end of the scale.",
        lambda bars: bars,
        lambda bars: bars + FISHER_SETTLES,
        levels=ZERO,
    ),
    Indicator(
        "crsi",
        "Connors RSI",
        (bars(3), Param("streak", 2, 2, 100), Param("rank", 100, 2, LONGEST)),
        "own",
        (Output("crsi", "CRSI"),),
        connors_rsi,
        "Connors' mean of a short RSI, the RSI of the run of closes, and the rank of the last move, 0 to 100.",
        _connors_first,
        _connors_settled,
        levels=(10.0, 90.0),
    ),
    Indicator(
        "rvgi",
        "Relative vigor",
        (bars(10),),
        "own",
        (Output("rvgi", "RVGI"), Output("signal", "Signal")),
        vigor,
        "Ehlers' relative vigor index: how far bars close from where they opened, against their range.",
        lambda bars: bars + 5,
        lambda bars: bars + 5,
        levels=ZERO,
    ),
    Indicator(
        "smi",
        "Stochastic momentum",
        (bars(13), Param("fast", 2, 2, LONGEST), Param("slow", 25, 3, LONGEST), Param("signal", 9, 2, LONGEST)),
        "own",
        (Output("smi", "SMI"), Output("signal", "Signal")),
        stochastic_momentum,
        "Blau's stochastic momentum index: the close off the middle of the range, smoothed twice, −100 to 100.",
        lambda *spans: sum(spans) - 4,
        lambda bars, *spans: bars + sum(spans) - 4 + sum(ema_settles(span) for span in spans),
        levels=(-40.0, 40.0),
    ),
    Indicator(
        "kvo",
        "Klinger",
        (Param("fast", 34, 2, LONGEST), Param("slow", 55, 3, LONGEST), Param("signal", 13, 2, LONGEST)),
        "own",
        (Output("kvo", "KVO"), Output("signal", "Signal")),
        klinger,
        "Klinger's volume oscillator: volume signed by the trend and weighted by the range, fast against slow.",
        lambda _fast, slow, signal: slow + signal - 1,
        _klinger_settled,
        levels=ZERO,
        ordered=("fast", "slow"),
        volume=True,
    ),
)
