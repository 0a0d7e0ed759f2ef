"""Simulated prices that look like a crypto market and are the same whenever they are asked for.

Nothing is walked minute by minute. Every random number is a hash of (market, purpose, index), so any window can be
drawn alone. Days come first: a regime chain, a slow volatility process and a mean-reverting level give each day its
variance and its log return. Inside a day, minutes get volatilities (hours of the day, slow and quick noise,
aftershocks) scaled to the day's variance, and Gaussian increments that are bridged to the day's return: increment plus
its share of the variance times what is missing. Highs and lows are exact draws of the extreme of a Brownian bridge,
`(a + b ± sqrt((b - a)² - 2 s² ln U)) / 2`. All longer candles are aggregates of the minutes, in whole ticks and lots.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.ohlcv import Candles, Floats, aggregate, empty, join
from core.timeframe import MINUTE_MS, Timeframe
from demo.listings import Listing

ORIGIN_MS = 1_641_168_000_000  # Monday 2022-01-03: the first candle there is
DAY_MINUTES = 1_440
BLOCK_DAYS = 7  # what is drawn at once; weeks and blocks share their bounds
BLOCK_MS = BLOCK_DAYS * DAY_MINUTES * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
CORRELATION = 0.55  # of returns between markets
REVERSION = 0.006  # share of the distance to the level that a day takes back, so that prices stay believable

# regime: chance to leave it on a day, drift in daily standard deviations, factor on volatility
REGIMES = ((0.05, 0.0, 0.75), (0.06, 0.16, 1.0), (0.07, -0.18, 1.15), (0.12, 0.0, 1.9))

COMMON = 0  # the market number of what all markets share
Index = npt.NDArray[np.int64]


class Days(NamedTuple):
    """Per day since the origin: log price at its opening, log return, standard deviation; shape (days,)."""

    opening: Floats
    log_return: Floats
    deviation: Floats


def uniform(market: int, purpose: int, index: Index) -> Floats:
    """Numbers in (0, 1), one for each index: a splitmix64 hash, so that any of them can be had alone."""
    key = np.uint64((market * 0x9E37_79B9 + purpose * 0x85EB_CA6B_0000_0001) & 0xFFFF_FFFF_FFFF_FFFF)
    with np.errstate(over="ignore"):
        x = index.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) + key
        for shift, factor in ((30, 0xBF58_476D_1CE4_E5B9), (27, 0x94D0_49BB_1331_11EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def normal(market: int, purpose: int, index: Index) -> Floats:
    """Standard normal numbers, one for each index (Box-Muller on two hashes)."""
    radius = np.sqrt(-2.0 * np.log(uniform(market, 2 * purpose, index)))
    angle: Floats = np.cos(2.0 * np.pi * uniform(market, 2 * purpose + 1, index))
    return radius * angle


def together(market: int, purpose: int, index: Index, correlation: float = CORRELATION) -> Floats:
    """Normal numbers that share `correlation` with the other markets."""
    own, shared = normal(market, purpose, index), normal(COMMON, purpose, index)
    return float(np.sqrt(correlation)) * shared + float(np.sqrt(1.0 - correlation)) * own


@lru_cache(maxsize=32)
def days(listing: Listing, count: int) -> Days:
    """The first `count` days of a market."""
    index = np.arange(count, dtype=np.int64)
    change, pick = uniform(COMMON, 1, index), uniform(COMMON, 2, index)
    swing, shock = together(listing.number, 3, index), together(listing.number, 4, index, 0.65)
    openings, returns, deviations = np.empty(count), np.empty(count), np.empty(count)
    regime, slow = 0, 0.0
    away = 0.3 * float(normal(listing.number, 5, np.zeros(1, dtype=np.int64))[0])  # log distance to the level
    for day in range(count):
        if change[day] < REGIMES[regime][0]:
            regime = int(pick[day] * len(REGIMES))
        _, drift, factor = REGIMES[regime]
        slow = 0.94 * slow + 0.11 * float(swing[day])
        deviation = listing.daily_vol * factor * float(np.exp(slow - 0.05))
        openings[day], deviations[day] = away, deviation
        returns[day] = deviation * (float(shock[day]) + drift) - REVERSION * away
        away += returns[day]
    return Days(openings + float(np.log(listing.level)), returns, deviations)


def _smooth(market: int, purpose: int, minute: Index, spacing: int) -> Floats:
    """Noise that drifts between normal knots `spacing` minutes apart."""
    knot, share = minute // spacing, (minute % spacing) / spacing
    first = int(knot[0, 0])
    values = together(market, purpose, np.arange(first, int(knot[-1, -1]) + 2, dtype=np.int64), 0.4)
    drawn: Floats = values[knot - first] * (1.0 - share) + values[knot - first + 1] * share
    return drawn


def _aftershocks(market: int, first_hour: int, hours: int) -> Floats:
    """Extra log volatility per hour: rare shocks that fade over half a day."""
    back = 12
    index = np.arange(first_hour - back, first_hour + hours, dtype=np.int64)
    struck: Floats = (uniform(market, 9, index) < 0.008) * (0.6 + 0.5 * np.abs(normal(market, 10, index)))
    fading = np.exp(-np.arange(back + 1) / 3.5)
    extra: Floats = np.convolve(struck, fading)[back : back + hours]
    return extra


def _rhythm(minute: Index) -> Floats:
    """Log volatility by hour of the day: quiet at 4 UTC, busy at 15 UTC."""
    hour = (minute % DAY_MINUTES) / 60.0
    wave: Floats = 0.28 * np.cos((hour - 15.0) * (2.0 * np.pi / 24.0)) + 0.10 * np.cos((hour - 14.0) * (np.pi / 6.0))
    return wave


def _deviations(listing: Listing, minute: Index, per_day: Floats) -> Floats:
    """Standard deviation of each minute's log return, shape (days, 1440); squares add up to the day's variance."""
    number = listing.number
    log_vol = _rhythm(minute) + 0.30 * _smooth(number, 6, minute, 240) + 0.28 * _smooth(number, 7, minute, 40)
    log_vol += 0.22 * normal(number, 8, minute)
    log_vol += np.repeat(_aftershocks(number, int(minute[0, 0]) // 60, minute.size // 60), 60).reshape(minute.shape)
    raw: Floats = np.exp(log_vol)
    scale: Floats = per_day / np.sqrt((raw * raw).sum(axis=1))
    return raw * scale[:, None]


@lru_cache(maxsize=48)
def block_minutes(listing: Listing, block: int) -> Candles:
    """The 10,080 minutes of a block; prices in ticks, volumes in lots (whole numbers)."""
    first = block * BLOCK_DAYS
    path = days(listing, (first // 512 + 1) * 512 + BLOCK_DAYS)
    span = slice(first, first + BLOCK_DAYS)
    minute: Index = np.arange(first * DAY_MINUTES, (first + BLOCK_DAYS) * DAY_MINUTES, dtype=np.int64)
    minute = minute.reshape(BLOCK_DAYS, DAY_MINUTES)
    deviation = _deviations(listing, minute, path.deviation[span])
    step = deviation * together(listing.number, 11, minute)
    share = deviation**2 / (path.deviation[span] ** 2)[:, None]
    step += share * (path.log_return[span] - step.sum(axis=1))[:, None]
    after = path.opening[span][:, None] + np.cumsum(step, axis=1)
    before = np.concatenate((path.opening[span][:, None], after[:, :-1]), axis=1)
    return _in_ticks(listing, minute.ravel(), before.ravel(), after.ravel(), deviation.ravel())


def _in_ticks(listing: Listing, minute: Index, before: Floats, after: Floats, deviation: Floats) -> Candles:
    """Candles of log prices at both ends of each minute."""
    number, ticks = listing.number, 10.0**listing.price_decimals
    reach = [
        np.sqrt((after - before) ** 2 - 2.0 * deviation**2 * np.log(uniform(number, purpose, minute)))
        for purpose in (40, 41)
    ]
    opened, closed, high, low = (
        np.maximum(1.0, np.rint(np.exp(log_price) * ticks))
        for log_price in (before, after, (before + after + reach[0]) / 2, (before + after - reach[1]) / 2)
    )
    high, low = np.maximum(high, np.maximum(opened, closed)), np.minimum(low, np.minimum(opened, closed))
    usual = listing.daily_vol / DAY_MINUTES**0.5
    activity = 0.35 + 0.65 * (reach[0] + reach[1]) / 2 / (usual * 1.6)
    per_minute = listing.turnover / DAY_MINUTES / np.exp(after)
    volume = per_minute * activity * np.exp(0.45 * normal(number, 21, minute) - 0.1)
    lots = np.maximum(1.0, np.rint(volume * 10.0**listing.lot_decimals))
    return Candles(ORIGIN_MS + minute * MINUTE_MS, opened, high, low, closed, lots)


@lru_cache(maxsize=4_096)
def block_hours(listing: Listing, block: int) -> Candles:
    """The 168 hours of a block, in ticks and lots."""
    return aggregate(block_minutes(listing, block), HOUR_MS)


def _forming(minute: Candles, share: float) -> Candles:
    """What a minute shows after `share` of it: its price visits one extreme, then the other, then the close."""
    opened, high, low, closed = (float(c[0]) for c in (minute.open, minute.high, minute.low, minute.close))
    first, second = (low, high) if closed >= opened else (high, low)
    corners = np.array([opened, first, second, closed])
    at = np.array([0.0, 0.3, 0.7, 1.0])
    seen = np.append(corners[at <= share], np.rint(np.interp(share, at, corners)))
    part = [np.array([x]) for x in (opened, seen.max(), seen.min(), seen[-1], np.ceil(minute.volume[0] * share))]
    return Candles(minute.time, *part)


def _until(minutes: Candles, now_ms: int) -> Candles:
    """The minutes that have begun at `now_ms`, the last one as far as it has come."""
    count = int(np.searchsorted(minutes.time, now_ms, side="right"))
    if not count or now_ms >= int(minutes.time[count - 1]) + MINUTE_MS:
        return minutes[:count]
    return join([minutes[: count - 1], _forming(minutes[count - 1 : count], (now_ms % MINUTE_MS) / MINUTE_MS)])


def candles(listing: Listing, timeframe: Timeframe, *, start_ms: int, end_ms: int, now_ms: int) -> Candles:
    """Candles that open in [start_ms, end_ms], the last one forming when `now_ms` lies in it.

    The same for every window it is asked from; prices and volumes are rounded as the listing says.
    """
    first = max(ORIGIN_MS, timeframe.floor(max(ORIGIN_MS, start_ms) + timeframe.ms - 1))
    last = min(timeframe.floor(end_ms), now_ms)
    if last < first:
        return empty()
    end = min(last + timeframe.ms - 1, now_ms)
    parts = []
    for block in range((first - ORIGIN_MS) // BLOCK_MS, (end - ORIGIN_MS) // BLOCK_MS + 1):
        past = ORIGIN_MS + (block + 1) * BLOCK_MS <= now_ms
        if past and timeframe.ms >= HOUR_MS:
            parts.append(block_hours(listing, block))
        else:
            parts.append(_until(block_minutes(listing, block), now_ms))
    fine = join(parts)
    fine = fine[(fine.time >= first) & (fine.time <= end)]
    return _in_money(listing, aggregate(fine, timeframe.ms, timeframe.offset_ms))


def _in_money(listing: Listing, ticks: Candles) -> Candles:
    tick, lot = 10.0**listing.price_decimals, 10.0**listing.lot_decimals
    t = ticks
    return Candles(t.time, t.open / tick, t.high / tick, t.low / tick, t.close / tick, t.volume / lot)


def price(listing: Listing, now_ms: int) -> float:
    """The last price at a moment."""
    minute = Timeframe("1m", MINUTE_MS)
    return float(candles(listing, minute, start_ms=minute.floor(now_ms), end_ms=now_ms, now_ms=now_ms).close[-1])
