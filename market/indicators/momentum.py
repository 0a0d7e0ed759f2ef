"""Momentum: how far and how fast the close has come. All by TA-Lib."""

from core.ohlcv import Candles, Floats
from market.indicators.indicator import LONGEST, Indicator, Output, Param, bars, ema_settles
from market.indicators.talib_functions import talib

ZERO = (0.0,)
EMA = 1  # TA-Lib's number for the kind of mean


def roc(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Percent by which the close changed over `bars`."""
    return (talib.ROC(candles.close, bars),)


def momentum(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """By how much the close changed over `bars`, in price."""
    return (talib.MOM(candles.close, bars),)


def awesome(candles: Candles, fast: int, slow: int) -> tuple[Floats, ...]:
    """Mean of the bars' middles over `fast` less that over `slow` (Williams)."""
    return (talib.AO(candles.high, candles.low, fast, slow),)


def ppo(candles: Candles, fast: int, slow: int, signal: int) -> tuple[Floats, ...]:
    """(fast EMA over slow EMA − 1 in percent, its EMA, the difference of the two)."""
    line = talib.PPO(candles.close, fast, slow, EMA)
    return _with_signal(line, signal)


def tsi(candles: Candles, slow: int, fast: int, signal: int) -> tuple[Floats, ...]:
    """(100 · twice smoothed change over twice smoothed absolute change of the close, its EMA) (Blau)."""
    line = talib.TSI(candles.close, slow, fast)
    return line, talib.EMA(line, signal)


def coppock(candles: Candles, mean: int, short: int, long: int) -> tuple[Floats, ...]:
    """WMA over `mean` of the sum of two rates of change of the close."""
    return (talib.COPPOCK(candles.close, mean, short, long),)


def balance_of_power(candles: Candles) -> tuple[Floats, ...]:
    """(close − open) / (high − low), −1 … 1; 0 where high and low are equal."""
    return (talib.BOP(candles.open, candles.high, candles.low, candles.close),)


def elder_ray(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """(high − EMA, low − EMA) of `bars` closes."""
    lines: tuple[Floats, ...] = talib.ERI(candles.high, candles.low, candles.close, bars)
    return lines


def _with_signal(line: Floats, signal: int) -> tuple[Floats, ...]:
    mean = line if signal == 1 else talib.EMA(line, signal)
    return line, mean, line - mean


ENTRIES = (
    Indicator(
        "roc",
        "ROC",
        (bars(9, 1),),
        "own",
        (Output("roc", "ROC"),),
        roc,
        "Rate of change: percent by which the close moved over the last bars.",
        lambda bars: bars,
        lambda bars: bars,
        levels=ZERO,
    ),
    Indicator(
        "mom",
        "Momentum",
        (bars(10, 1),),
        "own",
        (Output("mom", "Momentum"),),
        momentum,
        "By how much the close moved over the last bars, in price.",
        lambda bars: bars,
        lambda bars: bars,
        levels=ZERO,
    ),
    Indicator(
        "ao",
        "Awesome",
        (Param("fast", 5, 2, LONGEST), Param("slow", 34, 3, LONGEST)),
        "own",
        (Output("ao", "AO", "histogram"),),
        awesome,
        "Williams' awesome oscillator: middles of recent bars against those of more bars.",
        lambda _fast, slow: slow - 1,
        lambda _fast, slow: slow - 1,
        levels=ZERO,
        ordered=("fast", "slow"),
    ),
    Indicator(
        "ppo",
        "PPO",
        (Param("fast", 12, 2, LONGEST), Param("slow", 26, 3, LONGEST), Param("signal", 9, 1, LONGEST)),
        "own",
        (Output("ppo", "PPO"), Output("signal", "Signal"), Output("histogram", "Histogram", "histogram")),
        ppo,
        "MACD in percent of the price, comparable between markets.",
        lambda _fast, slow, signal: slow + signal - 2,
        lambda _fast, slow, signal: slow + signal - 2 + ema_settles(slow) + ema_settles(signal),
        levels=ZERO,
        ordered=("fast", "slow"),
    ),
    Indicator(
        "tsi",
        "TSI",
        (Param("slow", 25, 2, LONGEST), Param("fast", 13, 2, LONGEST), Param("signal", 13, 2, LONGEST)),
        "own",
        (Output("tsi", "TSI"), Output("signal", "Signal")),
        tsi,
        "True strength index: smoothed moves against smoothed absolute moves, −100 to 100.",
        lambda slow, fast, signal: slow + fast + signal - 2,
        lambda *spans: sum(spans) - 2 + sum(ema_settles(span) for span in spans),
        levels=(-25.0, 25.0),
    ),
    Indicator(
        "coppock",
        "Coppock",
        (Param("mean", 10, 2, LONGEST), Param("short", 11, 1, LONGEST), Param("long", 14, 2, LONGEST)),
        "own",
        (Output("coppock", "Coppock"),),
        coppock,
        "Coppock's curve: a weighted average of two rates of change; made for monthly bars.",
        lambda mean, _short, long: long + mean - 1,
        lambda mean, _short, long: long + mean - 1,
        levels=ZERO,
        ordered=("short", "long"),
    ),
    Indicator(
        "bop",
        "Balance of power",
        (),
        "own",
        (Output("bop", "BOP"),),
        balance_of_power,
        "Whether the bar closed where it opened (0), at its high (1) or at its low (−1).",
        lambda: 0,
        lambda: 0,
        levels=ZERO,
    ),
    Indicator(
        "eri",
        "Elder ray",
        (bars(13),),
        "own",
        (Output("bull", "Bull power", "histogram"), Output("bear", "Bear power", "histogram")),
        elder_ray,
        "How far buyers pushed the high above the average, and sellers the low below it.",
        lambda bars: bars - 1,
        lambda bars: bars - 1 + ema_settles(bars),
        levels=ZERO,
    ),
)
