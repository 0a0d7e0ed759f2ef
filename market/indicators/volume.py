"""Volume: what was traded while the price moved. By TA-Lib; ease of movement by `ta`."""

from core.ohlcv import Candles, Floats
from market.indicators import by_ta
from market.indicators.indicator import (
    EVERYTHING,
    LONGEST,
    Indicator,
    Output,
    Param,
    bars,
    ema_settles,
    window,
)
from market.indicators.talib_functions import talib
from market.indicators.undefined import where_silent

ZERO = (0.0,)
EMA = 1  # TA-Lib's number for the kind of mean


def vwap(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean typical price of the last `bars`, weighted by volume; NaN where nothing was traded in them."""
    typical = talib.TYPPRICE(candles.high, candles.low, candles.close)
    return (where_silent(talib.VWMA(typical, candles.volume, bars), candles, bars),)


def obv(candles: Candles) -> tuple[Floats, ...]:
    """Running sum of the volume, added when the close rises and taken away when it falls."""
    return (talib.OBV(candles.close, candles.volume),)


def accumulation(candles: Candles) -> tuple[Floats, ...]:
    """Running sum of the volume times ((close − low) − (high − close)) / (high − low) (Chaikin)."""
    return (talib.AD(candles.high, candles.low, candles.close, candles.volume),)


def chaikin_oscillator(candles: Candles, fast: int, slow: int) -> tuple[Floats, ...]:
    """Fast EMA less slow EMA of the accumulation line."""
    return (talib.ADOSC(candles.high, candles.low, candles.close, candles.volume, fast, slow),)


def chaikin_flow(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Gain of the accumulation line over `bars` as a share of the volume, −1 … 1; NaN where nothing was traded."""
    values = talib.CMF(candles.high, candles.low, candles.close, candles.volume, bars)
    return (where_silent(values, candles, bars),)


def force(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """EMA of the change of the close times the volume (Elder)."""
    return (talib.EFI(candles.close, candles.volume, bars),)


def price_volume_trend(candles: Candles) -> tuple[Floats, ...]:
    """Running sum of the volume times the relative change of the close."""
    return (talib.PVT(candles.close, candles.volume),)


def ppo_of_volume(candles: Candles, fast: int, slow: int) -> tuple[Floats, ...]:
    """Fast EMA over slow EMA of the volume − 1, in percent."""
    return (talib.PVO(candles.volume, fast, slow, EMA),)


def ease(candles: Candles, bars: int) -> tuple[Floats, ...]:
    """Mean move of the bar's middle times its range over its volume (Arms), by `ta`; NaN where one had no volume."""
    return (by_ta.ease_of_movement(candles, bars),)


ENTRIES = (
    Indicator(
        "vwap",
        "VWAP",
        (bars(14),),
        "price",
        (Output("vwap", "VWAP"),),
        vwap,
        "Volume-weighted mean price of the last bars; rolling, because these markets never close.",
        window,
        window,
        volume=True,
    ),
    Indicator(
        "obv",
        "OBV",
        (),
        "own",
        (Output("obv", "OBV"),),
        obv,
        "On-balance volume: the running sum of volume, signed by the direction of the close.",
        lambda: 0,
        lambda: EVERYTHING,
        volume=True,
    ),
    Indicator(
        "ad",
        "Accumulation",
        (),
        "own",
        (Output("ad", "A/D"),),
        accumulation,
        "Chaikin's accumulation and distribution: the running sum of volume, weighted by where bars close.",
        lambda: 0,
        lambda: EVERYTHING,
        volume=True,
    ),
    Indicator(
        "adosc",
        "Chaikin oscillator",
        (Param("fast", 3, 2, LONGEST), Param("slow", 10, 3, LONGEST)),
        "own",
        (Output("adosc", "A/D oscillator"),),
        chaikin_oscillator,
        "How the accumulation line moves: its fast average less its slow one.",
        lambda _fast, slow: slow - 1,
        lambda _fast, slow: slow - 1 + 2 * ema_settles(slow),
        levels=ZERO,
        ordered=("fast", "slow"),
        volume=True,
    ),
    Indicator(
        "cmf",
        "Chaikin flow",
        (bars(20),),
        "own",
        (Output("cmf", "CMF"),),
        chaikin_flow,
        "Chaikin's money flow: volume weighted by where bars close, as a share of all volume, −1 to 1.",
        window,
        window,
        levels=ZERO,
        volume=True,
    ),
    Indicator(
        "efi",
        "Force index",
        (bars(13),),
        "own",
        (Output("efi", "Force"),),
        force,
        "Elder's force: the move of the close times the volume behind it, smoothed.",
        lambda bars: bars,
        lambda bars: bars + ema_settles(bars),
        levels=ZERO,
        volume=True,
    ),
    Indicator(
        "pvt",
        "Price volume trend",
        (),
        "own",
        (Output("pvt", "PVT"),),
        price_volume_trend,
        "The running sum of volume, each bar's weighted by the percentage the close moved.",
        lambda: 0,
        lambda: EVERYTHING,
        volume=True,
    ),
    Indicator(
        "pvo",
        "Volume oscillator",
        (Param("fast", 12, 2, LONGEST), Param("slow", 26, 3, LONGEST)),
        "own",
        (Output("pvo", "PVO"),),
        ppo_of_volume,
        "How far recent volume is above or below usual volume, in percent.",
        lambda _fast, slow: slow - 1,
        lambda _fast, slow: slow - 1 + 2 * ema_settles(slow),
        levels=ZERO,
        ordered=("fast", "slow"),
        volume=True,
    ),
    Indicator(
        "eom",
        "Ease of movement",
        (bars(14),),
        "own",
        (Output("eom", "EOM"),),
        ease,
        "How far prices moved for the volume it took.",
        lambda bars: bars,
        lambda bars: bars,
        levels=ZERO,
        volume=True,
    ),
)
