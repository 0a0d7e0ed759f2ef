"""Bars that are still forming: the closed minutes of each, joined with the one that runs."""

import numpy as np

import core.ohlcv as ohlcv
from core.ohlcv import Candles
from core.timeframe import MINUTE_MS, TIMEFRAMES

Bar = list[float]  # open time in ms, open, high, low, close, volume

HOUR_MS = 60 * MINUTE_MS
LONGEST_OF_MINUTES = TIMEFRAMES["4h"].ms  # longer bars are made of hours as far as there are any


def spans(minute_ms: int) -> tuple[int, int]:
    """(first minute, first hour) that count for the bars which hold the minute opening at `minute_ms`, open times."""
    return TIMEFRAMES["4h"].floor(minute_ms), TIMEFRAMES["1w"].floor(minute_ms)


def begun(minutes: Candles, hours: Candles, minute_ms: int) -> dict[str, Bar | None]:
    """By timeframe, what the bar that holds the minute at `minute_ms` was before that minute; None: nothing.

    `minutes` are the closed ones from `spans(minute_ms)[0]` on, `hours` from `[1]` on; one that is missing is left out.
    """
    minutes = minutes[minutes.time < minute_ms]
    hours = hours[hours.time + HOUR_MS <= minute_ms]
    after = int(hours.time[-1]) + HOUR_MS if len(hours) else 0
    long = ohlcv.join([hours, minutes[minutes.time >= after]])
    found: dict[str, Bar | None] = {}
    for frame in TIMEFRAMES.values():
        source = minutes if frame.ms <= LONGEST_OF_MINUTES else long
        found[frame.name] = _whole(source[source.time >= frame.floor(minute_ms)], frame.floor(minute_ms))
    return found


def _whole(part: Candles, opened: int) -> Bar | None:
    if not len(part):
        return None
    high, low, volume = float(np.max(part.high)), float(np.min(part.low)), float(np.sum(part.volume))
    return [opened, float(part.open[0]), high, low, float(part.close[-1]), volume]


def joined(before: dict[str, Bar | None], minute: Bar) -> dict[str, Bar]:
    """The forming bar of each timeframe: what was before the minute, and the minute as far as it has come."""
    found = {}
    for frame in TIMEFRAMES.values():
        bar, opened = before.get(frame.name), frame.floor(int(minute[0]))
        if bar is None or bar[0] != opened:
            found[frame.name] = [opened, *minute[1:]]
        else:
            high, low = max(bar[2], minute[2]), min(bar[3], minute[3])
            found[frame.name] = [opened, bar[1], high, low, minute[4], bar[5] + minute[5]]
    return found


def by_price(minute: Bar | None, price: float, time_ms: int) -> Bar:
    """The running minute where only prices are told: moved by one more, or begun by it."""
    opened = TIMEFRAMES["1m"].floor(time_ms)
    if minute is None or minute[0] < opened:
        return [opened, price, price, price, price, 0.0]
    if minute[0] > opened:  # a price that comes late moves nothing
        return minute
    return [minute[0], minute[1], max(minute[2], price), min(minute[3], price), price, minute[5]]
